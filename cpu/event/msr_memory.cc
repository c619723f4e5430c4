// Memory types and page attributes: checked and kept, without effect on emulated memory; protection
// keys.
#include "base/bits.h"
#include "cpu/event/msr_handlers.h"

namespace tandem::cpu {
namespace {

constexpr u32 kVariableFirst = 0x200;
constexpr u64 kDefTypeDefined = 0xcff;

// UC, WC, WT, WP, WB. SDM Vol. 3, 11.11.
bool IsMtrrType(u64 type) { return type <= 6 && ((0x73u >> type) & 1) != 0; }

bool AllBytes(u64 value, u32 allowed_types) {
  for (unsigned i = 0; i < 8; ++i) {
    const u64 type = BitsOf(value, 8 * i, 8);
    if (type > 7 || ((allowed_types >> type) & 1) == 0) {
      return false;
    }
  }
  return true;
}

// 0x250, 0x258, 0x259, 0x268 to 0x26f are the eleven of the state.
u32 FixedIndex(u32 index) {
  if (index >= 0x268) {
    return index - 0x268 + 3;
  }
  return index >= 0x258 ? index - 0x258 + 1 : 0;
}

u64 AbovePhysical(const Context& context) {
  return ~((u64{1} << context.model.physical_address_bits) - 1);
}

}  // namespace

Fault WritePat(Context& context, u32, u64 value) {
  if (!AllBytes(value, 0xf3)) {
    return Fault::Gp();
  }
  context.state.msr.pat = value;
  return Fault::None();
}

// Protection keys of supervisor pages. SDM Vol. 3, 4.6.2.
Fault WritePkrs(Context& context, u32, u64 value) {
  if (value >> 32 != 0) {
    return Fault::Gp();
  }
  if (value != context.state.msr.pkrs) {
    context.state.msr.pkrs = value;
    context.mmu.FlushAll();
  }
  return Fault::None();
}

Fault ReadMtrrVariable(Context& context, u32 index, u64& value) {
  value = context.state.msr.mtrr_variable[index - kVariableFirst];
  return Fault::None();
}

Fault WriteMtrrVariable(Context& context, u32 index, u64 value) {
  const bool is_base = (index & 1) == 0;
  const u64 reserved = AbovePhysical(context) | (is_base ? 0xf00 : 0x7ff);
  if ((value & reserved) != 0 || (is_base && !IsMtrrType(value & 0xff))) {
    return Fault::Gp();
  }
  context.state.msr.mtrr_variable[index - kVariableFirst] = value;
  return Fault::None();
}

Fault ReadMtrrFixed(Context& context, u32 index, u64& value) {
  value = context.state.msr.mtrr_fixed[FixedIndex(index)];
  return Fault::None();
}

Fault WriteMtrrFixed(Context& context, u32 index, u64 value) {
  if (!AllBytes(value, 0x73)) {
    return Fault::Gp();
  }
  context.state.msr.mtrr_fixed[FixedIndex(index)] = value;
  return Fault::None();
}

Fault WriteMtrrDefType(Context& context, u32, u64 value) {
  if ((value & ~kDefTypeDefined) != 0 || !IsMtrrType(value & 0xff)) {
    return Fault::Gp();
  }
  context.state.msr.mtrr_def_type = value;
  return Fault::None();
}

}  // namespace tandem::cpu
