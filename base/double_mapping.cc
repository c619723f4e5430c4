#include "base/double_mapping.h"

#include <sys/mman.h>

#include "base/check.h"

namespace tandem {
DoubleMapping::DoubleMapping(size_t size) : size_(size) {
  void* const first = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(first != MAP_FAILED);
  // An old size of zero maps the same shared pages once more: mremap(2).
  void* const second = ::mremap(first, 0, size, MREMAP_MAYMOVE);
  CHECK(second != MAP_FAILED);
  CHECK(::mprotect(second, size, PROT_READ | PROT_EXEC) == 0);
  writable_ = static_cast<u8*>(first);
  executable_ = static_cast<u8*>(second);
}

DoubleMapping::~DoubleMapping() {
  ::munmap(writable_, size_);
  ::munmap(executable_, size_);
}

}  // namespace tandem
