#include "base/double_mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

namespace tandem {
namespace {

u8* Map(int fd, size_t size, int protection) {
  void* mapped = ::mmap(nullptr, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
  CHECK(mapped != MAP_FAILED);
  return static_cast<u8*>(mapped);
}

}  // namespace

DoubleMapping::DoubleMapping(const char* name, size_t size)
    : size_(size), fd_(::memfd_create(name, MFD_CLOEXEC)) {
  CHECK(fd_.valid() && ::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0);
  writable_ = Map(fd_.get(), size, PROT_READ | PROT_WRITE);
  executable_ = Map(fd_.get(), size, PROT_READ | PROT_EXEC);
}

DoubleMapping::~DoubleMapping() {
  ::munmap(writable_, size_);
  ::munmap(executable_, size_);
}

}  // namespace tandem
