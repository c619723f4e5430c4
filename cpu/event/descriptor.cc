#include "cpu/event/descriptor.h"

#include <array>

#include "base/bits.h"

namespace tandem::cpu {
namespace {

constexpr u16 kTableIndicator = 4;

struct Table {
  u64 base = 0;
  u64 limit = 0;
  bool is_usable = true;
};

Table TableOf(const CpuState& state, u16 selector) {
  if ((selector & kTableIndicator) == 0) {
    return {state.gdtr.base, state.gdtr.limit, true};
  }
  return {state.ldtr.base, state.ldtr.limit, state.ldtr.is_present()};
}

u64 LinearOf(const CpuState& state, u64 address) {
  return state.InLongMode() ? address : address & 0xffffffff;
}

}  // namespace

Segment Descriptor::ToSegment(u16 selector) const {
  Segment segment;
  segment.base = base();
  segment.limit = limit();
  segment.selector = selector;
  segment.attributes = static_cast<u16>((high >> 8) & 0xf0ff);
  if (!is_system()) {
    segment.attributes |= 1;
  }
  return segment;
}

Fault ReadDescriptor(Context& context, u16 selector, Vector vector, u32 ext, Descriptor& out) {
  const CpuState& state = context.state;
  const Table table = TableOf(state, selector);
  const u64 offset = selector & ~7u;
  if (!table.is_usable || offset + 7 > table.limit) {
    return SelectorFault(vector, selector, ext);
  }
  std::array<std::byte, 8> bytes;
  const u64 address = LinearOf(state, table.base + offset);
  if (Fault fault = context.mmu.ReadSystem(Gva(address), bytes)) {
    return fault;
  }
  out = {};
  out.low = LoadLe<u32>(bytes.data());
  out.high = LoadLe<u32>(bytes.data() + 4);
  out.address = address;
  return Fault::None();
}

Fault ReadUpperHalf(Context& context, u16 selector, Vector vector, u32 ext,
                    Descriptor& descriptor) {
  const Table table = TableOf(context.state, selector);
  if ((selector & ~7u) + 15u > table.limit) {
    return SelectorFault(vector, selector, ext);
  }
  std::array<std::byte, 8> bytes;
  if (Fault fault = context.mmu.ReadSystem(Gva(descriptor.address + 8), bytes)) {
    return fault;
  }
  descriptor.base_high = LoadLe<u32>(bytes.data());
  descriptor.last = LoadLe<u32>(bytes.data() + 4);
  const bool has_clear_type = (descriptor.last & 0x1f00) == 0;
  return has_clear_type ? Fault::None() : SelectorFault(vector, selector, ext);
}

Fault MarkAccessed(Context& context, const Descriptor& descriptor) {
  if ((descriptor.high & 0x100) != 0) {
    return Fault::None();
  }
  const auto type = static_cast<std::byte>((descriptor.high >> 8) | 1);
  return context.mmu.WriteSystem(Gva(descriptor.address + 5), {&type, 1});
}

Fault SetBusy(Context& context, const Descriptor& descriptor, bool is_busy) {
  const auto type = static_cast<std::byte>(WithBit((descriptor.high >> 8) & 0xff, 1, is_busy));
  return context.mmu.WriteSystem(Gva(descriptor.address + 5), {&type, 1});
}

void SetCpl(Context& context, u8 cpl) {
  context.state.cpl = cpl;
  context.mmu.UpdateMode();
}

}  // namespace tandem::cpu
