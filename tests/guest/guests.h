#pragma once

#include <initializer_list>
#include <string>
#include <vector>

namespace tandem::tests {

// A guest image of tools/lib.sh, in the folder that TANDEM_GUESTS names.
std::string GuestFile(const std::string& name);

// For doctest::skip: whether one of the images is missing, which is then printed.
bool Lacks(std::initializer_list<const char*> names);

// What boots a Linux kernel to its serial port; more options are appended.
std::vector<std::string> BootLinux(const std::string& kernel, const std::string& initrd,
                                   const std::string& parameters,
                                   const std::vector<std::string>& more = {});

}  // namespace tandem::tests
