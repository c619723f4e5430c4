#include "cpu/mmu/page_table_memory.h"

#include <array>

#include "base/bits.h"

namespace tandem::cpu {
namespace {

template <typename T>
bool CompareExchange(std::byte* host, u64 expected, u64 bits) {
  T old = static_cast<T>(expected);
  return std::atomic_ref<T>(*reinterpret_cast<T*>(host))
      .compare_exchange_strong(old, static_cast<T>(expected | bits));
}

}  // namespace

u64 PageTableMemory::LoadSlow(Gpa address, u32 entry_size) {
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
    range->ram->NoteTableBits(offset, entry_size);
  }
  return is_set;
}

}  // namespace tandem::cpu
