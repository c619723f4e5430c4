#include "devices/bus/joined_pages.h"

#include <sys/mman.h>

#include "devices/bus/show_page.h"

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
  if (shown_[index] != page) {
    shown_[index] = ShowPage(view, page, place_ + index * kPage) ? page : nullptr;
  }
  return shown_[index] != nullptr;
}

}  // namespace tandem::devices
