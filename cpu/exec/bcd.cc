#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// AAA, AAD, AAM, AAS, DAA, DAS: not in 64-bit mode. SDM Vol. 2.
namespace tandem::cpu {
namespace {

u8 Al(const Core& core) { return ReadReg<u8>(core, kRax * 8); }
u8 Ah(const Core& core) { return ReadReg<u8>(core, kRax * 8 + 1); }
void SetAl(Core& core, u8 value) { WriteReg<u8>(core, kRax * 8, value); }
void SetAx(Core& core, u16 value) { WriteReg<u16>(core, kRax * 8, value); }

u64 ResultFlags(u8 al) {
  return (al == 0 ? kFlagZf : 0) | ((al & 0x80) != 0 ? kFlagSf : 0) |
         (__builtin_parity(al) == 0 ? kFlagPf : 0);
}

// AAA and AAS: sign is +1 or -1.
Flow AsciiAdjust(Core& core, int sign) {
  const u64 flags = core.state.rflags;
  const bool adjust = (Al(core) & 0xf) > 9 || (flags & kFlagAf) != 0;
  if (adjust) {
    SetAx(core, static_cast<u16>(ReadReg<u16>(core, kRax * 8) + sign * 0x106));
  }
  SetAl(core, Al(core) & 0xf);
  SetArithFlags(core, (adjust ? kFlagCf | kFlagAf : 0) | ResultFlags(Al(core)));
  return Flow::kNext;
}

Flow Aaa(Core& core, const Step&) { return AsciiAdjust(core, 1); }
Flow Aas(Core& core, const Step&) { return AsciiAdjust(core, -1); }

Flow Aad(Core& core, const Step& step) {
  const u8 al = static_cast<u8>(Al(core) + Ah(core) * static_cast<u8>(step.immediate));
  SetAx(core, al);
  SetArithFlags(core, ResultFlags(al));
  return Flow::kNext;
}

Flow Aam(Core& core, const Step& step) {
  const u8 base = static_cast<u8>(step.immediate);
  if (base == 0) {
    return core.Raise(Fault::Of(Vector::kDe));
  }
  const u8 al = Al(core);
  SetAx(core, static_cast<u16>(((al / base) << 8) | (al % base)));
  SetArithFlags(core, ResultFlags(Al(core)));
  return Flow::kNext;
}

// DAA and DAS: sign is +1 or -1.
Flow DecimalAdjust(Core& core, int sign) {
  const u8 al = Al(core);
  const u64 old = core.state.rflags;
  const bool low = (al & 0xf) > 9 || (old & kFlagAf) != 0;
  const bool high = al > 0x99 || (old & kFlagCf) != 0;
  const int change = (low ? 6 : 0) + (high ? 0x60 : 0);
  // DAS also borrows when the low adjustment underflows.
  const bool borrow = sign < 0 && low && al < 6;
  SetAl(core, static_cast<u8>(al + sign * change));
  SetArithFlags(core, (low ? kFlagAf : 0) | (high || borrow ? kFlagCf : 0) | ResultFlags(Al(core)));
  return Flow::kNext;
}

Flow Daa(Core& core, const Step&) { return DecimalAdjust(core, 1); }
Flow Das(Core& core, const Step&) { return DecimalAdjust(core, -1); }

Flow Salc(Core& core, const Step&) {
  SetAl(core, (core.state.rflags & kFlagCf) != 0 ? 0xff : 0);
  return Flow::kNext;
}

}  // namespace

ExecFn SelectBcd(const Inst& inst) {
  switch (inst.op) {
    case Op::kAaa:
      return &Aaa;
    case Op::kAas:
      return &Aas;
    case Op::kAad:
      return &Aad;
    case Op::kAam:
      return &Aam;
    case Op::kDaa:
      return &Daa;
    case Op::kDas:
      return &Das;
    case Op::kSalc:
      return &Salc;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
