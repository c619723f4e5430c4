#include "devices/bus/show_page.h"

#include <sys/mman.h>

namespace tandem::devices {

bool ShowPage(const FlatView& view, const std::byte* page, std::byte* place) {
  constexpr size_t kPage = 4096;
  for (const FlatRange& range : view.ranges()) {
    const u64 offset = range.ram ? static_cast<u64>(page - range.ram->data()) : ~u64{0};
    if (!range.ram || offset >= range.ram->size()) {
      continue;
    }
    return ::mmap(place, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
                  range.ram->fd(), static_cast<off_t>(offset)) != MAP_FAILED;
  }
  return false;
}

}  // namespace tandem::devices
