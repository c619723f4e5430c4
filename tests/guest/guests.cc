#include "tests/guest/guests.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace tandem::tests {

std::string GuestFile(const std::string& name) {
  const char* const folder = std::getenv("TANDEM_GUESTS");
  return folder == nullptr ? std::string() : std::string(folder) + "/" + name;
}

bool Lacks(std::initializer_list<const char*> names) {
  if (std::getenv("TANDEM_GUESTS") == nullptr) {
    std::fprintf(stderr, "skipped: TANDEM_GUESTS is not set; tools/test prepares the guests\n");
    return true;
  }
  for (const char* name : names) {
    if (!std::filesystem::exists(GuestFile(name))) {
      std::fprintf(stderr, "skipped: there is no %s\n", GuestFile(name).c_str());
      return true;
    }
  }
  return false;
}

std::vector<std::string> BootLinux(const std::string& kernel, const std::string& initrd,
                                   const std::string& parameters,
                                   const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"-m",         "256",
                                        "-nographic", "-no-reboot",
                                        "-kernel",    GuestFile(kernel),
                                        "-initrd",    GuestFile(initrd),
                                        "-append",    "console=ttyS0 panic=-1 " + parameters};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace tandem::tests
