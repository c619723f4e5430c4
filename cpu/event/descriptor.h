#pragma once

#include "cpu/event/context.h"
#include "cpu/mmu/canonical.h"

// Segment and gate descriptors in memory, and the tables they stand in. SDM Vol. 3, 3.4.5 and 5.8.
// Of use within this room only.
namespace tandem::cpu {

// Types of system descriptors. SDM Vol. 3, table 3-2.
enum SystemType : u8 {
  kTss16Available = 1,
  kLdt = 2,
  kTss16Busy = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss32Available = 9,
  kTss32Busy = 11,
  kCallGate32 = 12,
  kInterruptGate32 = 14,
  kTrapGate32 = 15,
};

struct Descriptor {
  u32 low = 0;
  u32 high = 0;
  u32 base_high = 0;  // system descriptors in long mode: bits 63-32
  u32 last = 0;       // their fourth double word
  u64 address = 0;    // where it stands, linear

  u8 type() const { return (high >> 8) & 0xf; }
  bool is_system() const { return (high & 0x1000) == 0; }
  bool is_code() const { return (high & 0x1800) == 0x1800; }
  bool is_conforming() const { return (high & 0x1c00) == 0x1c00; }
  bool is_readable() const { return !is_code() || (high & 0x200) != 0; }
  bool is_writable_data() const { return (high & 0x1a00) == 0x1200; }
  u8 dpl() const { return (high >> 13) & 3; }
  bool is_present() const { return (high & 0x8000) != 0; }
  bool is_long() const { return (high & 0x200000) != 0; }
  bool is_big() const { return (high & 0x400000) != 0; }

  u64 base() const {
    return (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000) | u64{base_high} << 32;
  }
  u32 limit() const {
    const u32 raw = (low & 0xffff) | (high & 0xf0000);
    return (high & 0x800000) != 0 ? raw << 12 | 0xfff : raw;
  }
  // The accessed bit counts as set: the loader sets it in memory.
  Segment ToSegment(u16 selector) const;

  // As a gate.
  u16 gate_selector() const { return static_cast<u16>(low >> 16); }
  u8 gate_ist() const { return high & 7; }
  u64 gate_offset() const { return (low & 0xffff) | (high & 0xffff0000) | u64{base_high} << 32; }
};

constexpr bool IsNullSelector(u16 selector) { return (selector & ~3) == 0; }

// Reads the descriptor that a selector names. Beyond its table's limit, or of no LDT: the vector
// given, with the selector as error code, bits of ext added. A null selector names GDT entry 0.
Fault ReadDescriptor(Context& context, u16 selector, Vector vector, u32 ext, Descriptor& out);
// Adds the upper half of a 16-byte system descriptor of long mode.
Fault ReadUpperHalf(Context& context, u16 selector, Vector vector, u32 ext, Descriptor& descriptor);
// Sets the accessed bit of a code or data descriptor in memory.
Fault MarkAccessed(Context& context, const Descriptor& descriptor);
// Sets or clears the busy bit of a TSS descriptor in memory.
Fault SetBusy(Context& context, const Descriptor& descriptor, bool is_busy);

constexpr Fault SelectorFault(Vector vector, u16 selector, u32 ext = 0) {
  return Fault::WithCode(vector, (selector & 0xfffcu) | ext);
}

// SDM Vol. 1, 3.3.7.1.
inline bool IsCanonical(const CpuState& state, u64 address) {
  return IsCanonical(address, (state.cr4 & kCr4La57) != 0);
}
// Whether a register that holds a linear address takes it (MSRs, bases of segments and descriptor
// tables, INVPCID): five levels count where the processor has them, in use or not. Intel, "5-Level
// Paging and 5-Level EPT White Paper".
inline bool IsCanonicalBase(const Context& context, u64 address) {
  return IsCanonical(address, context.model.Has(Feature::kLa57));
}

// Changes the privilege and, from its users' view, all that hangs on CS.
void SetCpl(Context& context, u8 cpl);

}  // namespace tandem::cpu
