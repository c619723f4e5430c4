#include "cpu/mmu/page_table_memory.h"

#include <array>
#include <atomic>

#include "base/bits.h"

namespace tandem::cpu {
namespace {

template <typename T>
bool CompareExchange(std::byte* host, u64 expected, u64 bits) {
  T old = static_cast<T>(expected);
  return std::atomic_ref<T>(*reinterpret_cast<T*>(host))
      .compare_exchange_strong(old, static_cast<T>(expected | bits));
}

template <typename T>
u64 AtomicLoad(std::byte* host) {
  return std::atomic_ref<T>(*reinterpret_cast<T*>(host)).load(std::memory_order_relaxed);
}

}  // namespace

const devices::FlatRange* PageTableMemory::RamRange(Gpa address, u32 entry_size) {
  if (last_ == nullptr || address.value - last_->start.value >= last_->length) {
    last_ = view_->Find(address);
  }
  const bool is_inside =
      last_ != nullptr && last_->ram && address - last_->start + entry_size <= last_->length;
  return is_inside ? last_ : nullptr;
}

u64 PageTableMemory::Load(Gpa address, u32 entry_size) {
  if (const devices::FlatRange* range = RamRange(address, entry_size)) [[likely]] {
    std::byte* host = range->ram->data() + range->offset + (address - range->start);
    return entry_size == 8 ? AtomicLoad<u64>(host) : AtomicLoad<u32>(host);
  }
  std::array<std::byte, 8> bytes{};
  (void)view_->Read(address, std::span(bytes).first(entry_size));
  return devices::AccessValue(std::span(bytes).first(entry_size));
}

bool PageTableMemory::SetBits(Gpa address, u32 entry_size, u64 expected, u64 bits) {
  const devices::FlatRange* range = RamRange(address, entry_size);
  if (range == nullptr || !range->writable) {
    return true;
  }
  const u64 offset = range->offset + (address - range->start);
  std::byte* host = range->ram->data() + offset;
  const bool is_set = entry_size == 8 ? CompareExchange<u64>(host, expected, bits)
                                      : CompareExchange<u32>(host, expected, bits);
  if (is_set) {
    range->ram->MarkDirty(offset, entry_size);
  }
  return is_set;
}

}  // namespace tandem::cpu
