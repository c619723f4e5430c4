#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::accel::kvm {

// Opens the device and makes sure that its KVM has all that we need. The error tells what is wrong
// and how to get on.
Result<UniqueFd> OpenKvm(const char* path = "/dev/kvm");

// Whether the host's processor has VMX or SVM. A KVM without them emulates each instruction.
bool HostHasVirtualisation();

}  // namespace tandem::accel::kvm
