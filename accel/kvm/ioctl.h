#pragma once

#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>

#include "base/check.h"

namespace tandem::accel::kvm {

// A request whose argument has so many bytes. Its number contains the size, which comes out wrong
// in C++ where the kernel's headers end a structure with an array of no length.
constexpr unsigned long WithSize(unsigned long request, size_t size) {
  constexpr unsigned long kMask = static_cast<unsigned long>(_IOC_SIZEMASK) << _IOC_SIZESHIFT;
  return (request & ~kMask) | size << _IOC_SIZESHIFT;
}

// An ioctl other than KVM_RUN: a signal does not end it. -1 with errno, else its result.
template <typename Argument>
int Call(int fd, unsigned long request, Argument argument) {
  int result = 0;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  return result;
}

// One that fails only if we, or the kernel, have a bug.
template <typename Argument>
void MustCall(int fd, unsigned long request, Argument argument) {
  CHECK(Call(fd, request, argument) >= 0);
}

}  // namespace tandem::accel::kvm
