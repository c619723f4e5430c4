#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// AAA, AAD, AAM, AAS, DAA, DAS: not in 64-bit mode. SDM Vol. 2. Flags that the manual leaves
// undefined are those of the addition or subtraction inside, as AMD's processors have them.
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

// a becomes a + b or, where sign is -1, a - b. Returns the flags.
template <typename T>
u64 Add(T& a, T b, int sign) {
  u32 ax = 0;
  if (sign > 0) {
    asm("add %[b], %[a]\n\tlahf\n\tseto %%al" : [a] "+&q"(a), "=&a"(ax) : [b] "q"(b) : "cc");
  } else {
    asm("sub %[b], %[a]\n\tlahf\n\tseto %%al" : [a] "+&q"(a), "=&a"(ax) : [b] "q"(b) : "cc");
  }
  return FlagsFromAx(ax);
}

// AAA and AAS: sign is +1 or -1.
Flow AsciiAdjust(Core& core, int sign) {
  constexpr u64 kCarries = kFlagCf | kFlagAf;
  const bool adjust = (Al(core) & 0xf) > 9 || (core.state.rflags & kFlagAf) != 0;
  u16 ax = ReadReg<u16>(core, kRax * 8);
  const u64 flags = Add<u16>(ax, adjust ? 0x106 : 0, sign);
  SetAx(core, ax & 0xff0f);
  SetArithFlags(core, (flags & ~kCarries) | (adjust ? kCarries : 0));
  return Flow::kNext;
}

Flow Aaa(Core& core, const Step&) { return AsciiAdjust(core, 1); }
Flow Aas(Core& core, const Step&) { return AsciiAdjust(core, -1); }

Flow Aad(Core& core, const Step& step) {
  u8 al = Al(core);
  const u64 flags = Add<u8>(al, static_cast<u8>(Ah(core) * static_cast<u8>(step.immediate)), 1);
  SetAx(core, al);
  SetArithFlags(core, flags);
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
  u8 al = Al(core);
  const u64 old = core.state.rflags;
  const bool low = (al & 0xf) > 9 || (old & kFlagAf) != 0;
  const bool high = al > 0x99 || (old & kFlagCf) != 0;
  const u8 change = static_cast<u8>((low ? 6 : 0) + (high ? 0x60 : 0));
  // DAS also borrows when the low adjustment underflows.
  const bool borrow = sign < 0 && low && al < 6;
  const u64 overflow = Add<u8>(al, change, sign) & kFlagOf;
  SetAl(core, al);
  SetArithFlags(core,
                (low ? kFlagAf : 0) | (high || borrow ? kFlagCf : 0) | overflow | ResultFlags(al));
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
