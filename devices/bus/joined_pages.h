#pragma once

#include <array>

#include "devices/bus/flat_view.h"

namespace tandem::devices {

// Two pages of RAM, shown once more side by side: what an atomic access across their border works on.
// One thread's.
class JoinedPages {
 public:
  JoinedPages() = default;
  ~JoinedPages();
  JoinedPages(const JoinedPages&) = delete;
  JoinedPages& operator=(const JoinedPages&) = delete;

  // Where the first page begins; the second follows it. Valid until the next call. Both are host
  // addresses of whole pages. Null: one of them is not in the view's RAM, or the host refuses.
  std::byte* Show(const std::byte* first, const std::byte* second, const FlatView& view);
  // Other RAM may have come to where some was.
  void Forget() { shown_ = {}; }

 private:
  bool ShowAt(size_t index, const std::byte* page, const FlatView& view);

  std::byte* place_ = nullptr;
  std::array<const std::byte*, 2> shown_{};
};

}  // namespace tandem::devices
