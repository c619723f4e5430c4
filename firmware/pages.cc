#include "firmware/pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace tandem::firmware {

Result<Pages> Pages::Zeroed(size_t size) {
  void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return Fail("no memory for {} bytes: {}", size, std::strerror(errno));
  }
  (void)::madvise(data, size, MADV_HUGEPAGE);  // where it is refused small pages do
  return Pages({static_cast<std::byte*>(data), size});
}

Result<Pages> Pages::OfFile(int fd, size_t size) {
  void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    return Fail("mmap: {}", std::strerror(errno));
  }
  Pages pages({static_cast<std::byte*>(data), size});
  if (::madvise(data, size, MADV_POPULATE_READ) != 0) {  // reports what would else be a signal
    return Fail("madvise: {}", std::strerror(errno));
  }
  return pages;
}

Pages::~Pages() {
  if (!bytes_.empty()) {
    ::munmap(bytes_.data(), bytes_.size());
  }
}

}  // namespace tandem::firmware
