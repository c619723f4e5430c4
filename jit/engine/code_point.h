#pragma once

#include <algorithm>

#include "base/bits.h"
#include "jit/code/block.h"
#include "jit/unit/code_window.h"

// From a block's host code back to the guest's.
namespace tandem::jit {

// The guest instruction that host code belongs to, so many bytes from the block's start; null: none.
inline const CodePoint* PointAt(const Block& block, u32 place) {
  const auto after =
      std::upper_bound(block.points.begin(), block.points.end(), place,
                       [](u32 wanted, const CodePoint& point) { return wanted < point.host; });
  return after == block.points.begin() ? nullptr : &*std::prev(after);
}

// Where the block's instruction at an offset was read; 0: in none of its pages.
inline u64 HostOf(const Block& block, i64 offset) {
  if (PageOf(offset) == 0) {
    return AlignDown(block.key.address, static_cast<u64>(kPageBytes)) + OffsetInPage(offset);
  }
  for (const OtherPage& page : block.other_pages()) {
    if (page.page == PageOf(offset)) {
      return page.host + OffsetInPage(offset);
    }
  }
  return 0;
}

}  // namespace tandem::jit
