#include "devices/bus/joined_pages.h"

#include <sys/mman.h>

namespace tandem::devices {
namespace {

constexpr size_t kPage = 4096;

}  // namespace

JoinedPages::~JoinedPages() {
  if (place_ != nullptr) {
    ::munmap(place_, 2 * kPage);
  }
}

std::byte* JoinedPages::Show(const std::byte* first, const std::byte* second,
                             const FlatView& view) {
  if (place_ == nullptr) {
    void* const place = ::mmap(nullptr, 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) {
      return nullptr;
    }
    place_ = static_cast<std::byte*>(place);
  }
  return ShowAt(0, first, view) && ShowAt(1, second, view) ? place_ : nullptr;
}

bool JoinedPages::ShowAt(size_t index, const std::byte* page, const FlatView& view) {
  if (shown_[index] == page) {
    return true;
  }
  shown_[index] = nullptr;
  for (const FlatRange& range : view.ranges()) {
    const u64 offset =
        range.ram ? static_cast<u64>(page - range.ram->data()) : ~u64{0};
    if (!range.ram || offset >= range.ram->size()) {
      continue;
    }
    if (::mmap(place_ + index * kPage, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
               range.ram->fd(), static_cast<off_t>(offset)) == MAP_FAILED) {
      return false;
    }
    shown_[index] = page;
    return true;
  }
  return false;
}

}  // namespace tandem::devices
