#pragma once

#include "devices/bus/flat_view.h"

namespace tandem::cpu {

// Guest-physical memory as the page walk sees it: loads of entries, and accessed and dirty bits set
// by locked compare-exchange as other processors may walk and write the same tables. Remembers the
// range that was used last. One thread; the view outlives it.
class PageTableMemory {
 public:
  explicit PageTableMemory(const devices::FlatView& view) : view_(&view) {}

  // entry_size 4 or 8; the address is a multiple of it.
  u64 Load(Gpa address, u32 entry_size);
  // Sets bits in an entry that still holds the expected value; false: it has changed meanwhile.
  // Entries in ROM or in devices stay as they are.
  bool SetBits(Gpa address, u32 entry_size, u64 expected, u64 bits);

 private:
  const devices::FlatRange* RamRange(Gpa address, u32 entry_size);

  const devices::FlatView* view_;
  const devices::FlatRange* last_ = nullptr;
};

}  // namespace tandem::cpu
