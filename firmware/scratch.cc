#include "firmware/scratch.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace tandem::firmware {

Result<Scratch> Scratch::Create(size_t size) {
  void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return Fail("no memory for {} bytes: {}", size, std::strerror(errno));
  }
  (void)::madvise(data, size, MADV_HUGEPAGE);  // where it is refused small pages do
  return Scratch({static_cast<std::byte*>(data), size});
}

Scratch::~Scratch() {
  if (!bytes_.empty()) {
    ::munmap(bytes_.data(), bytes_.size());
  }
}

}  // namespace tandem::firmware
