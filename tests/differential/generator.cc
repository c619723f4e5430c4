#include "tests/differential/generator.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {
namespace {

// Results that depend on more than the registers, and transfers of control.
bool IsExcluded(Op op) {
  switch (op) {
    case Op::kInvalid:
    case Op::kTooLong:
    case Op::kJmp:
    case Op::kJcc:
    case Op::kCall:
    case Op::kRet:
    case Op::kLoop:
    case Op::kLoope:
    case Op::kLoopne:
    case Op::kJcxz:
    case Op::kInt:
    case Op::kInt3:
    case Op::kInt1:
    case Op::kInto:
    case Op::kIret:
    case Op::kIns:
    case Op::kOuts:
    case Op::kIn:
    case Op::kOut:
    case Op::kPopf:
    case Op::kPushf:
    case Op::kCli:
    case Op::kSti:
    case Op::kClac:
    case Op::kStac:
    case Op::kHlt:
    case Op::kCpuid:
    case Op::kRdtsc:
    case Op::kRdtscp:
    case Op::kRdpmc:
    case Op::kRdpid:
    case Op::kRdmsr:
    case Op::kWrmsr:
    case Op::kSyscall:
    case Op::kSysret:
    case Op::kSysenter:
    case Op::kSysexit:
    case Op::kRdrand:
    case Op::kRdseed:
    case Op::kClzero:
    case Op::kEnter:
    case Op::kLeave:
      return true;
    default:
      return (op >= Op::kLgdt && op <= Op::kWrgsbase && op != Op::kClflush) ||
             (op >= Op::kXgetbv && op <= Op::kXrstors64) || (op >= Op::kRdpkru && op <= Op::kLss);
  }
}

u8 Byte(Random& random) { return static_cast<u8>(random()); }
bool OneIn(Random& random, u32 n) { return random() % n == 0; }
template <typename T, size_t kCount>
T Pick(Random& random, const T (&choices)[kCount]) {
  return choices[random() % kCount];
}

void PutVex(Random& random, std::vector<u8>& out) {
  const u8 vvvv_l_pp = Byte(random);
  if (OneIn(random, 3)) {
    out.insert(out.end(), {0xc5, vvvv_l_pp});
    return;
  }
  const u8 map = static_cast<u8>(1 + random() % 3);
  out.insert(out.end(), {0xc4, static_cast<u8>((Byte(random) & 0xe0) | map), vvvv_l_pp});
}

void PutLegacy(Random& random, std::vector<u8>& out) {
  if (OneIn(random, 3)) {
    out.push_back(Pick<u8>(random, {0x66, 0xf2, 0xf3}));
  }
  if (OneIn(random, 20)) {
    out.push_back(Pick<u8>(random, {0x66, 0x67, 0xf0, 0xf2, 0xf3}));
  }
  if (OneIn(random, 2)) {
    out.push_back(static_cast<u8>(0x40 | (Byte(random) & 15)));
  }
  switch (random() % 5) {
    case 0:
      break;
    case 1:
      out.push_back(static_cast<u8>(0xd8 | (Byte(random) & 7)));  // x87
      return;
    case 2:
      out.insert(out.end(), {0x0f, 0x38});
      break;
    case 3:
      out.insert(out.end(), {0x0f, 0x3a});
      break;
    default:
      out.push_back(0x0f);
      break;
  }
}

// A prefix with few wrong bits; vvvv is often unused and must then be all ones.
void PutEvex(Random& random, std::vector<u8>& out) {
  const u8 map = static_cast<u8>(1 + random() % 3);
  const u8 w_vvvv_pp = static_cast<u8>(Byte(random) | 4 | (OneIn(random, 2) ? 0x78 : 0));
  u8 z_length_b_mask = Byte(random);
  if (OneIn(random, 2)) {
    z_length_b_mask &= 0x6f;  // neither zeroing nor broadcast
  }
  out.insert(out.end(), {0x62, static_cast<u8>((Byte(random) & 0xf0) | map), w_vvvv_pp,
                         static_cast<u8>(z_length_b_mask | (OneIn(random, 2) ? 8 : 0))});
}

// VEX instructions on opmask registers: the rows 4, 9 and (map 0F3A) 3 of the opcode map.
void PutOpmask(Random& random, std::vector<u8>& out) {
  const bool is_shift = OneIn(random, 4);
  const u8 bits = static_cast<u8>(Byte(random) & 0x87);  // W, L, pp
  const u8 vvvv = OneIn(random, 2) ? 0x78 : static_cast<u8>(0x40 | (Byte(random) & 0x38));
  out.insert(out.end(), {0xc4, static_cast<u8>((Byte(random) & 0x20) | (is_shift ? 0xc3 : 0xc1)),
                         static_cast<u8>(bits | vvvv)});
  const u8 row = is_shift ? 0x30 : OneIn(random, 2) ? 0x40 : 0x90;
  out.push_back(static_cast<u8>(row | (Byte(random) & (is_shift ? 3 : 15))));
}

void PutPrefixes(Random& random, Choice choice, std::vector<u8>& out) {
  if (choice == Choice::kAvx512 || OneIn(random, 4)) {
    OneIn(random, 8) ? PutOpmask(random, out) : PutEvex(random, out);
  } else {
    OneIn(random, 3) ? PutVex(random, out) : PutLegacy(random, out);
  }
}

bool IsString(Op op) {
  return op == Op::kMovs || op == Op::kCmps || op == Op::kScas || op == Op::kStos ||
         op == Op::kLods;
}

// The base register can be chosen freely: it is no data and no index.
bool HasFreeBase(const Inst& inst) {
  const MemoryOperand& mem = inst.mem;
  if (mem.base >= 16 || mem.base == kRsp || mem.base == mem.index) {
    return false;
  }
  const bool is_read_as_data =
      std::any_of(inst.operands.begin(), inst.operands.end(), [&](const Operand& operand) {
        return operand.kind == OperandKind::kGpr && operand.reg == mem.base;
      });
  return mem.address_size == 8 || !is_read_as_data;
}

constexpr u64 kOdd[] = {0,
                        1,
                        2,
                        0x7f,
                        0x80,
                        0xff,
                        0x7fff,
                        0x8000,
                        0x7fffffff,
                        0x80000000,
                        0xffffffff,
                        0x7fffffffffffffff,
                        0x8000000000000000,
                        ~u64{0}};
constexpr u64 kOddDoubles[] = {0,
                               0x8000000000000000,
                               0x3ff0000000000000,
                               0x7ff0000000000000,
                               0xfff0000000000000,
                               0x7ff8000000000000,
                               0x7ff0000000000001,
                               1,
                               0x000fffffffffffff,
                               0x7fefffffffffffff,
                               0x41dfffffffc00000};
constexpr u32 kOddFloats[] = {0,          0x80000000, 0x3f800000, 0x7f800000,
                              0xff800000, 0x7fc00000, 0x7f800001, 1,
                              0x007fffff, 0x7f7fffff, 0x4f000000};

}  // namespace

std::vector<u8> RandomBytes(Random& random, Choice choice) {
  std::vector<u8> out;
  PutPrefixes(random, choice, out);
  for (int i = 0; i < 12; ++i) {
    out.push_back(Byte(random));
  }
  return out;
}

bool HasMemory(const Inst& inst) {
  return std::any_of(inst.operands.begin(), inst.operands.end(),
                     [](const Operand& operand) { return operand.IsMemory(); });
}

u64 RandomValue(Random& random) {
  switch (random() % 6) {
    case 0:
      return Pick(random, kOdd);
    case 1:
      return Pick(random, kOddDoubles);
    case 2:
      return Pick(random, kOddFloats) | u64{Pick(random, kOddFloats)} << 32;
    case 3:
      return random() % 64;
    case 4:
      return (random() & 0x800fffffffffffff) | ((0x3f0 + random() % 32) << 52);
    default:
      return random();
  }
}

namespace {

template <typename T>
void FillBytes(Random& random, T* to, size_t size) {
  for (size_t i = 0; i + 8 <= size; i += 8) {
    StoreLe<u64>(reinterpret_cast<u8*>(to) + i, RandomValue(random));
  }
}

}  // namespace

void FillX87(Random& random, FxImage& fx) {
  fx.fcw = static_cast<u16>(OneIn(random, 4) ? (random() & 0xf3f) | 0x40 : 0x37f);
  fx.fsw = static_cast<u16>(random() & (OneIn(random, 3) ? 0x7f7f : 0x7f00));
  if ((fx.fsw & ~fx.fcw & 0x3f) != 0) {
    fx.fsw |= 0x8080;  // pending
  }
  fx.ftw = OneIn(random, 2) ? Byte(random) : 0xff;
  for (auto& st : fx.st) {
    StoreLe<u64>(st, RandomValue(random) | (OneIn(random, 8) ? 0 : u64{1} << 63));
    static constexpr u16 kExponents[] = {0, 0x7fff, 0xffff, 0x3fff, 0x8000, 1, 0x7ffe};
    const u16 near = static_cast<u16>((random() & 0x8000) | (0x3ff0 + random() % 0x48));
    StoreLe<u16>(st + 8, OneIn(random, 3) ? Pick(random, kExponents) : near);
  }
  fx.mxcsr = static_cast<u32>(OneIn(random, 4) ? random() & 0xffff : 0x1f80 | (random() & 0xe040));
}

namespace {

// Without AVX-512 only what there is.
void FillVectors(Random& random, CpuState& state) {
  const bool has_avx512 = (state.xcr0 & kXcr0Avx512) != 0;
  for (size_t reg = 0; reg < (has_avx512 ? 32 : 16); ++reg) {
    FillBytes(random, state.vec.zmm[reg], has_avx512 ? 64 : 32);
  }
  for (size_t reg = 0; has_avx512 && reg < 8; ++reg) {
    const u64 few = random() & random() & random();
    state.vec.k[reg] = OneIn(random, 3) ? few : OneIn(random, 3) ? RandomValue(random) : random();
  }
}

// The memory operand lies across the start or the end of the data, so that some elements are
// unmapped; the mask often selects none of these.
void PutAtEdge(Random& random, const Inst& inst, u64 start, CpuState& state) {
  const bool is_end = OneIn(random, 2);
  const u64 step =
      inst.alignment != 0 || OneIn(random, 4) ? 1 : std::max<u64>(1, inst.masking.element_size);
  const u64 outside = (random() % 65) / step * step;
  u64 size = 0;
  for (const Operand& operand : inst.operands) {
    size = operand.IsMemory() ? operand.size : size;
  }
  const u64 edge =
      is_end ? kLongLayout.data + kDataSize - size + outside : kLongLayout.data - outside;
  state.gpr[inst.mem.base] += edge - start;
  if (OneIn(random, 2)) {
    const u64 elements = outside / std::max<u64>(1, inst.masking.element_size);
    u64& mask = state.vec.k[inst.masking.reg];
    const u64 count = inst.masking.bits;
    mask &= is_end ? (elements >= count ? 0 : ~u64{0} >> (64 - (count - elements)))
                   : (elements >= 64 ? 0 : ~u64{0} << elements);
  }
}

}  // namespace

bool IsTestable(const Inst& inst, const CpuModel& model) {
  if (IsExcluded(inst.op) || !IsOffered(model, inst)) {
    return false;
  }
  for (const Operand& operand : inst.operands) {
    if (operand.kind == OperandKind::kSegment || operand.kind == OperandKind::kControl ||
        operand.kind == OperandKind::kDebug) {
      return false;
    }
  }
  // The host's FS is ours. Processors differ in PREFETCH of a register and PAUSE with REX.B.
  const bool is_vendors = inst.op == Op::kPause || (inst.op == Op::kNop && !HasMemory(inst));
  return !is_vendors && inst.mem.segment < SegReg::kFs;
}

u32 UndefinedFlags(const Inst& inst) {
  constexpr u32 kAll = static_cast<u32>(kArithFlags);
  constexpr u32 kCarries = static_cast<u32>(kFlagCf | kFlagOf);
  const u8* const opcode = &inst.bytes[inst.opcode_at];
  const bool is_scan = inst.encoding == Encoding::kLegacy && opcode[0] == 0x0f &&
                       (opcode[1] == 0xbc || opcode[1] == 0xbd);  // BSF to LZCNT
  if (is_scan) {
    return kAll & ~static_cast<u32>(kFlagZf | (inst.op == Op::kHost ? kFlagCf : 0));
  }
  switch (inst.op) {
    case Op::kMul: case Op::kImul:
      return kAll & ~kCarries;
    case Op::kDiv: case Op::kIdiv:
      return kAll;
    case Op::kBt: case Op::kBts: case Op::kBtr: case Op::kBtc:
      return kAll & ~static_cast<u32>(kFlagCf | kFlagZf);
    default:
      return 0;
  }
}

std::optional<Trial> MakeTrial(Random& random, const CpuModel& model, Choice choice) {
  Trial trial;
  trial.code = RandomBytes(random, choice);
  const auto bytes = std::as_bytes(std::span(trial.code));
  const Inst& inst = trial.inst;
  if (Decode({64}, bytes, trial.inst) != DecodeStatus::kOk || !IsTestable(inst, model) ||
      (HasMemory(inst) && !HasFreeBase(inst))) {
    return std::nullopt;
  }
  trial.code.resize(inst.length);
  return trial;
}

void FillRegisters(Random& random, CpuState& state) {
  for (size_t reg = 0; reg < 16; ++reg) {
    state.gpr[reg] = RandomValue(random);
  }
  FillVectors(random, state);
  state.rflags = (random() & kArithFlags) | kFlagFixed1;
}

void FillState(Random& random, const Inst& inst, CpuState& state) {
  FillRegisters(random, state);
  FillX87(random, state.fx);
  const u64 middle = kLongLayout.data + 0x1000;
  state.gpr[kRsp] = kLongLayout.stack + random() % 64;
  if (IsString(inst.op) || inst.op == Op::kMaskmovdqu || inst.op == Op::kMaskmovq) {
    state.gpr[kRsi] = middle + random() % 256;
    state.gpr[kRdi] = middle + random() % 256;
    state.gpr[kRcx] = random() % 20;
    state.rflags |= OneIn(random, 3) ? kFlagDf : 0;
  }
  if (inst.op == Op::kXlat) {
    state.gpr[kRbx] = middle;
  }
  if (!HasMemory(inst)) {
    return;
  }
  const MemoryOperand& mem = inst.mem;
  if (mem.is_vsib) {  // small indices
    for (size_t at = 0; at < 64; at += 4) {
      StoreLe<u32>(state.vec.zmm[mem.index] + at, at % 8 == 0 ? random() % 128 : 0);
    }
  } else if (mem.index != kNoRegister) {
    state.gpr[mem.index] = random() % 64;
  }
  const u64 index = mem.is_vsib || mem.index == kNoRegister ? 0 : state.gpr[mem.index] << mem.scale;
  // Some processors take any address for SHA instructions, against the manual.
  const bool may_be_odd = inst.feature != Feature::kShaNi && OneIn(random, 3);
  const u64 at = may_be_odd ? random() % 128 : (random() % 4) * 64;
  state.gpr[mem.base] = middle + at - static_cast<u64>(mem.displacement) - index;
  if (inst.masking.reg != 0 && OneIn(random, 3)) {
    PutAtEdge(random, inst, middle + at, state);
  }
  const bool is_bit_string = inst.op >= Op::kBt && inst.op <= Op::kBtc;
  if (is_bit_string && inst.operands[1].kind == OperandKind::kGpr &&
      inst.operands[1].reg != mem.base && inst.operands[1].reg != mem.index) {
    state.gpr[inst.operands[1].reg] = random() % 4096 - 2048;
  }
}

void FillData(Random& random, std::span<std::byte> data) {
  FillBytes(random, data.data(), data.size());
}

}  // namespace tandem::cpu
