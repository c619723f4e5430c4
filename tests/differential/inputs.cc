#include "tests/differential/inputs.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

constexpr u64 kMiddle = kLongLayout.data + kDataSize / 2;
constexpr u16 kSelectors[] = {0,    1,    2,    3,    0x20, 0x23, 0x28,   0x2a,  0x2b,
                              0x30, 0x33, 0x07, 0x0f, 0x17, 0x83, 0xfff8, 0xffff};

class Filler {
 public:
  Filler(Random& random, const Single& single, CpuState& state, MemoryWriter& memory)
      : random_(random),
        mode_(single.mode),
        inst_(single.inst),
        state_(state),
        memory_(memory),
        layout_(LayoutOf(single.mode)) {}

  Window Fill();

 private:
  void ChooseData();
  void ChooseFlags();
  void ChooseImplicit();
  void PutStack();
  void PutOperand();
  u64 ChooseTarget();
  void Reach(u64 target);
  void ShrinkMask(u64 target);
  u16 OperandSize() const;
  u64 SegmentBase() const;
  // Mostly; now and then where nothing is, but never among the code itself.
  u64 AnyTarget() {
    return OneIn(random_, 8) ? Masked(RandomValue(random_) | 0x40) : Masked(CodeTarget());
  }
  u64 CodeTarget() { return layout_.code - layout_.code_base + 64 + random_() % 0x1000; }
  // Some selectors mean something to the host alone.
  bool TakesSelector() const {
    return (inst_.op >= Op::kLar && inst_.op <= Op::kArpl) ||
           (inst_.op >= Op::kLds && inst_.op <= Op::kLss) || inst_.is_far ||
           HasOperand(inst_, OperandKind::kSegment);
  }
  u16 Selector() { return Pick(random_, kSelectors); }
  template <typename T>
  void Put(u64 linear, T value) {
    u8 bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    memory_.Write(linear, bytes);
  }
  u64 Masked(u64 value) const { return mode_ == MachineMode::kLong ? value : value & 0xffffffff; }

  Random& random_;
  const MachineMode mode_;
  const Inst& inst_;
  CpuState& state_;
  MemoryWriter& memory_;
  const Layout layout_;
  u64 target_ = 0;
};

u16 Filler::OperandSize() const {
  const Operand* const operand = MemoryOperandOf(inst_);
  return operand == nullptr ? 0 : operand->size;
}

u64 Filler::SegmentBase() const {
  return inst_.mem.segment == SegReg::kGs ? state_.Seg(SegReg::kGs).base : layout_.data_base;
}

// Values of registers that are read are new; now and then two of them are equal or neighbours.
void Filler::ChooseData() {
  u64 last = RandomValue(random_);
  for (u8 reg = 0; reg < 16; ++reg) {
    if (Bit(inst_.gprs_read, reg)) {
      last = OneIn(random_, 8) ? last + random_() % 3 - 1 : RandomValue(random_);
      state_.gpr[reg] = last;
    }
  }
  if (inst_.op >= Op::kShl && inst_.op <= Op::kShrd && OneIn(random_, 2)) {
    state_.gpr[kRcx] = random_() % 70;
  }
  if (HasOperand(inst_, OperandKind::kSegment) || (inst_.op >= Op::kLar && inst_.op <= Op::kArpl)) {
    for (const Operand& operand : inst_.operands) {
      if (operand.kind == OperandKind::kGpr) {
        state_.gpr[operand.reg] = (state_.gpr[operand.reg] & ~u64{0xffff}) | Selector();
      }
    }
  }
}

void Filler::ChooseFlags() {
  const bool uses_direction = IsString(inst_.op);
  state_.rflags |= uses_direction && OneIn(random_, 3) ? kFlagDf : 0;
}

// Addresses that no operand names.
void Filler::ChooseImplicit() {
  const u64 middle = kMiddle - layout_.data_base;
  const u64 stack = layout_.stack - layout_.data_base;
  state_.gpr[kRsp] = stack + random_() % 64;
  if (inst_.op == Op::kLeave || inst_.op == Op::kEnter) {
    state_.gpr[kRbp] = stack + random_() % 64;
  }
  if (IsString(inst_.op) || inst_.op == Op::kMaskmovdqu || inst_.op == Op::kMaskmovq) {
    state_.gpr[kRsi] = middle + random_() % 256;
    state_.gpr[kRdi] = middle + random_() % 256;
    state_.gpr[kRcx] = random_() % 20;
  }
  if (inst_.op == Op::kXlat) {
    state_.gpr[kRbx] = middle;
  }
  if (inst_.op == Op::kClzero) {
    state_.gpr[kRax] = middle + random_() % 256;
  }
  if (inst_.op == Op::kXgetbv || inst_.op == Op::kRdpmc) {
    state_.gpr[kRcx] = OneIn(random_, 2) ? 0 : 2;
  }
  if (inst_.op == Op::kLoop || inst_.op == Op::kLoope || inst_.op == Op::kLoopne) {
    state_.gpr[kRcx] = random_() % 3 | (OneIn(random_, 4) ? RandomValue(random_) << 16 : 0);
  }
  if (IsTransfer(inst_.op) && inst_.operands[0].kind == OperandKind::kGpr) {
    state_.gpr[inst_.operands[0].reg] = AnyTarget();
  }
}

// What POP, RET and their like find.
void Filler::PutStack() {
  const u64 top = layout_.data_base + state_.gpr[kRsp];
  if (inst_.op == Op::kRet) {
    u64 value = AnyTarget();
    if (inst_.is_far) {  // to where the code is of the same size, or nowhere
      const unsigned shift = inst_.operand_size * 8;
      value = shift >= 64 ? value : value & ((u64{1} << shift) - 1);
      const u16 selector = OneIn(random_, 2) ? state_.Seg(SegReg::kCs).selector : u16{0x83};
      Put<u64>(top + inst_.operand_size, selector);
      shift >= 64 ? Put<u64>(top, value) : Put<u32>(top, static_cast<u32>(value));
      if (shift == 16) {
        Put<u16>(top, static_cast<u16>(value));
        Put<u16>(top + 2, selector);
      }
      return;
    }
    Put<u64>(top, value);
  } else if (inst_.op == Op::kPopf) {
    Put<u64>(top, random_() & ~(kFlagTf | kFlagAc));
  } else if (inst_.op == Op::kPop && HasOperand(inst_, OperandKind::kSegment)) {
    Put<u64>(top, Selector());
  }
}

// Mostly in one cache line; sometimes across lines or pages, or partly in a hole.
u64 Filler::ChooseTarget() {
  const u64 size = OperandSize();
  const u64 kind = random_() % 16;
  if (size > 64) {
    return kLongLayout.data + 0x400 + (kind == 0 ? random_() % 64 : 64 * (random_() % 8));
  }
  if (kind < 9) {
    return kMiddle + 0x100 + (random_() % 4) * 64;
  }
  if (kind < 13) {
    return kMiddle + 0x100 + random_() % 128;
  }
  if (kind == 13) {
    return kMiddle - random_() % (size + 1);
  }
  const u64 outside = TakesSelector() ? size : random_() % (size + 1);
  return kind == 14 ? kLongLayout.data - outside : kLongLayout.data + kDataSize - size + outside;
}

// The mask often selects none of the elements that lie outside.
void Filler::ShrinkMask(u64 target) {
  const u64 size = OperandSize();
  const u64 element = std::max<u64>(1, inst_.masking.element_size);
  const u64 end = kLongLayout.data + kDataSize;
  u64& mask = state_.vec.k[inst_.masking.reg];
  if (target < kLongLayout.data) {
    const u64 elements = (kLongLayout.data - target + element - 1) / element;
    mask &= elements >= 64 ? 0 : ~u64{0} << elements;
  } else if (target + size > end) {
    const u64 elements = end <= target ? 0 : (end - target) / element;
    mask &= elements == 0 ? 0 : ~u64{0} >> (64 - std::min<u64>(elements, 64));
  }
}

// Sets base and index registers.
void Filler::Reach(u64 target) {
  const MemoryOperand& mem = inst_.mem;
  if (mem.is_vsib) {  // small indices
    for (size_t at = 0; at < 64; at += 4) {
      StoreLe<u32>(state_.vec.zmm[mem.index] + at,
                   at % 8 == 0 ? static_cast<u32>(random_() % 128) : 0);
    }
  } else if (mem.index < kNoRegister) {
    state_.gpr[mem.index] = random_() % 64;
  }
  if (mem.base >= kNoRegister) {
    return;
  }
  const u64 index =
      mem.is_vsib || mem.index >= kNoRegister ? 0 : state_.gpr[mem.index] << mem.scale;
  const u64 value = target - SegmentBase() - static_cast<u64>(mem.displacement) - index;
  const bool has_free_half = mode_ == MachineMode::kLong && mem.address_size == 4;
  state_.gpr[mem.base] = has_free_half ? (value & 0xffffffff) | random_() << 32 : value;
  if (mem.address_size == 2) {
    state_.gpr[mem.base] = (value & 0xffff) | (random_() << 16 & 0xffff0000);
  }
  const bool is_bit_string = inst_.op >= Op::kBt && inst_.op <= Op::kBtc;
  if (is_bit_string && inst_.operands[1].kind == OperandKind::kGpr &&
      inst_.operands[1].reg != mem.base && inst_.operands[1].reg != mem.index) {
    state_.gpr[inst_.operands[1].reg] = random_() % 4096 - 2048;
  }
}

// Contents that random bytes would seldom make valid.
void Filler::PutOperand() {
  switch (inst_.op) {
    case Op::kLdmxcsr:
      Put<u32>(target_, static_cast<u32>(random_() & (OneIn(random_, 2) ? 0xffff : 0xffffffff)));
      break;
    case Op::kFxrstor:
    case Op::kFxrstor64:
      Put<u32>(target_ + 24, static_cast<u32>(random_() & (OneIn(random_, 4) ? ~u64{0} : 0xffff)));
      break;
    case Op::kLar:
    case Op::kLsl:
    case Op::kVerr:
    case Op::kVerw:
    case Op::kArpl:
    case Op::kMov:
      if (inst_.op != Op::kMov || HasOperand(inst_, OperandKind::kSegment)) {
        Put<u16>(target_, Selector());
      }
      break;
    case Op::kLds:
    case Op::kLes:
    case Op::kLfs:
    case Op::kLgs:
    case Op::kLss:
      Put<u16>(target_ + inst_.operand_size, Selector());
      break;
    case Op::kJmp:
    case Op::kCall:
      Put<u64>(target_, AnyTarget());
      if (inst_.is_far) {
        const bool is_own = OneIn(random_, 2);
        Put<u16>(target_ + inst_.operand_size,
                 is_own ? state_.Seg(SegReg::kCs).selector : u16{0x83});
      }
      break;
    default:
      break;
  }
}

Window Filler::Fill() {
  ChooseData();
  ChooseFlags();
  ChooseImplicit();
  const bool has_memory = MemoryOperandOf(inst_) != nullptr;
  if (has_memory) {
    target_ = ChooseTarget();
    Reach(target_);
  }
  if (mode_ != MachineMode::kLong) {
    for (u8 reg = 0; reg < 16; ++reg) {
      state_.gpr[reg] = reg < 8 ? state_.gpr[reg] & 0xffffffff : 0;
    }
  }
  if (has_memory && inst_.masking.reg != 0 && OneIn(random_, 2)) {
    ShrinkMask(target_);
  }
  const bool is_inside =
      target_ >= kLongLayout.data + 64 && target_ + 576 < kLongLayout.data + kDataSize;
  if (has_memory && inst_.mem.base < kNoRegister && is_inside) {
    PutOperand();
  }
  if (state_.gpr[kRsp] - (layout_.stack - layout_.data_base) < 64) {
    PutStack();
  }
  return is_inside ? Window{target_ - 64, 640} : Window{kMiddle - 64, 640};
}

}  // namespace

void FillX87(Random& random, FxImage& fx) {
  fx.fcw = static_cast<u16>(OneIn(random, 4) ? (random() & 0xf3f) | 0x40 : 0x37f);
  fx.fsw = static_cast<u16>(random() & (OneIn(random, 3) ? 0x7f7f : 0x7f00));
  if ((fx.fsw & ~fx.fcw & 0x3f) != 0) {
    fx.fsw |= 0x8080;  // pending
  }
  fx.ftw = OneIn(random, 2) ? static_cast<u8>(random()) : 0xff;
  for (auto& st : fx.st) {
    StoreLe<u64>(st, RandomValue(random) | (OneIn(random, 8) ? 0 : u64{1} << 63));
    static constexpr u16 kExponents[] = {0, 0x7fff, 0xffff, 0x3fff, 0x8000, 1, 0x7ffe};
    const u16 near = static_cast<u16>((random() & 0x8000) | (0x3ff0 + random() % 0x48));
    StoreLe<u16>(st + 8, OneIn(random, 3) ? Pick(random, kExponents) : near);
  }
  fx.mxcsr = static_cast<u32>(OneIn(random, 4) ? random() & 0xffff : 0x1f80 | (random() & 0xe040));
}

// Without AVX-512 only what there is.
void FillRegisters(Random& random, const ValuePool& pool, CpuState& state) {
  pool.Fill(random, state.gpr.data(), 16 * sizeof(u64));
  const bool has_avx512 = (state.xcr0 & kXcr0Avx512) != 0;
  if (has_avx512) {
    pool.Fill(random, state.vec.zmm, sizeof(state.vec.zmm));
  }
  for (size_t reg = 0; !has_avx512 && reg < 16; ++reg) {
    pool.Fill(random, state.vec.zmm[reg], 32);
  }
  for (size_t reg = 0; has_avx512 && reg < 8; ++reg) {
    const u64 few = random() & random() & random();
    state.vec.k[reg] = OneIn(random, 3) ? few : OneIn(random, 3) ? RandomValue(random) : random();
  }
  state.rflags = (random() & kArithFlags) | kFlagFixed1 | kFlagIf;
}

Window FillInputs(Random& random, const ValuePool& pool, const Single& single, CpuState& state,
                  MemoryWriter& memory) {
  FillRegisters(random, pool, state);
  FillX87(random, state.fx);
  if (single.mode == MachineMode::kLong) {
    constexpr u64 kBases[] = {0, 0x1000, 0x7ff0, 0xfffffffffffff000};
    state.Seg(SegReg::kGs).base = Pick(random, kBases);
  }
  return Filler(random, single, state, memory).Fill();
}

}  // namespace tandem::cpu
