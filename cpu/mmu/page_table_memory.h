#pragma once

#include <atomic>

#include "devices/bus/flat_view.h"

namespace tandem::cpu {

// Guest-physical memory as the page walk sees it: loads of entries, and accessed and dirty bits set
// by locked compare-exchange as other processors may walk and write the same tables. Remembers the
// range that was used last. One thread; the view outlives it.
class PageTableMemory {
 public:
  explicit PageTableMemory(const devices::FlatView& view) : view_(&view) {}

  // entry_size 4 or 8; the address is a multiple of it.
  u64 Load(Gpa address, u32 entry_size) {
    if (const devices::FlatRange* range = RamRange(address, entry_size)) [[likely]] {
      std::byte* host = range->ram->data() + range->offset + (address - range->start);
      return entry_size == 8 ? LoadAs<u64>(host) : LoadAs<u32>(host);
    }
    return LoadSlow(address, entry_size);
  }
  // Sets bits in an entry that still holds the expected value; false: it has changed meanwhile.
  // Entries in ROM or in devices stay as they are.
  bool SetBits(Gpa address, u32 entry_size, u64 expected, u64 bits);

 private:
  template <typename T>
  static u64 LoadAs(std::byte* host) {
    return std::atomic_ref<T>(*reinterpret_cast<T*>(host)).load(std::memory_order_relaxed);
  }

  // The RAM that holds all of the entry, or null.
  const devices::FlatRange* RamRange(Gpa address, u32 entry_size) {
    if (last_ == nullptr || address.value - last_->start.value >= last_->length) [[unlikely]] {
      last_ = view_->Find(address);
    }
    const bool is_inside =
        last_ != nullptr && last_->ram && address - last_->start + entry_size <= last_->length;
    return is_inside ? last_ : nullptr;
  }
  u64 LoadSlow(Gpa address, u32 entry_size);

  const devices::FlatView* view_;
  const devices::FlatRange* last_ = nullptr;
};

}  // namespace tandem::cpu
