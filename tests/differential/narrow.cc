#include "tests/differential/narrow.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/differential/random_bytes.h"
#include "tests/differential/treatment.h"
#include "tests/rows/compare.h"

namespace tandem::cpu {
namespace {

constexpr u64 kMaxInstructions = 100;
constexpr u64 kMiddle = kLowLayout.data + kDataSize / 2;
// They keep pointing into the data.
constexpr u32 kPointers = 1u << kRbx | 1u << kRsp | 1u << kRbp | 1u << kRsi | 1u << kRdi;

constexpr u64 kBases = 256;  // that a pointer can have

u64 Middle(u64 displacement) { return kMiddle + displacement % kBases; }

// Whether the memory operand lies in the data for all values of its base: elsewhere memory is as
// earlier trials left it, which had other engines. Displacements of EVEX encodings are scaled.
bool StaysInData(const Inst& inst) {
  constexpr i64 kHalf = kDataSize / 2;
  const i64 end = inst.mem.displacement + static_cast<i64>(kBases) + MemoryOperandOf(inst)->size;
  const bool has_byte = inst.modrm_at != 0 && inst.bytes[inst.modrm_at] >> 6 == 1;
  const bool is_bit_string =
      inst.op >= Op::kBt && inst.op <= Op::kBtc && inst.operands[1].kind != OperandKind::kImmediate;
  return !is_bit_string && (!has_byte || (inst.mem.displacement >= -kHalf && end <= kHalf));
}

}  // namespace

NarrowDifferential::NarrowDifferential(MachineMode mode, const ValuePool& pool, u64 seed)
    : mode_(mode), pool_(pool), seed_(seed), random_(seed), interpreted_(mode) {
  for (const EngineKind kind : kTranslators) {
    translators_.push_back(std::make_unique<Machine>(mode, kind));
  }
}

DecodeMode NarrowDifferential::decode_mode() const {
  return {CodeBits(mode_), mode_ == MachineMode::kReal};
}

bool NarrowDifferential::IsWelcome(const Inst& inst) {
  if (ReachesFar(inst.op)) {
    return false;
  }
  switch (inst.op) {
    case Op::kLdmxcsr:
    case Op::kPop:
    case Op::kPush:
    case Op::kPusha:
    case Op::kPopa:
    case Op::kArpl:
    case Op::kBound:
      return false;
    default:
      return FitsSequence(inst, interpreted_.model()) && (inst.gprs_written & kPointers) == 0;
  }
}

// Nothing: try again.
std::optional<std::vector<u8>> NarrowDifferential::MakeInstruction() {
  std::vector<u8> bytes = RandomBytes(random_, Choice::kAll);
  if (random_() % 2 == 0) {
    bytes.erase(bytes.begin());  // often an opcode of one byte
  }
  if (random_() % 4 == 0) {
    bytes.insert(bytes.begin(), random_() % 2 == 0 ? 0x66 : 0x67);
  }
  Inst inst;
  const auto code = std::as_bytes(std::span(bytes));
  if (Decode(decode_mode(), code, inst) != DecodeStatus::kOk || !IsWelcome(inst)) {
    return std::nullopt;
  }
  if (MemoryOperandOf(inst) != nullptr) {
    const MemoryOperand& mem = inst.mem;
    const bool is_pointer = mem.base < 16 && Bit(kPointers, mem.base);
    const size_t size = mem.address_size;
    const u8 mod = inst.modrm_at != 0 ? inst.bytes[inst.modrm_at] >> 6 : 0;
    if (mem.index != kNoRegister || mem.is_vsib || !StaysInData(inst) ||
        (mem.base < 16 && !is_pointer)) {
      return std::nullopt;
    }
    if (mem.base == kNoRegister || mod == 2) {
      const u64 value = (mem.base == kNoRegister ? kMiddle : 0) + random_() % 128;
      for (size_t i = 0; i < size; ++i) {
        bytes[inst.tail_at - size + i] = static_cast<u8>(value >> (8 * i));
      }
    }
  }
  bytes.resize(inst.length);
  if (UndefinedFlags(inst) != 0) {  // CMP of CX or ECX with imm8
    bytes.insert(bytes.end(), {0x83, 0xf9, static_cast<u8>(random_())});
  }
  return bytes;
}

std::vector<u8> NarrowDifferential::MakeCode() {
  std::vector<u8> code;
  for (u64 left = 1 + random_() % 6; left > 0;) {
    if (const auto instruction = MakeInstruction()) {
      code.insert(code.end(), instruction->begin(), instruction->end());
      --left;
    }
  }
  return code;
}

void NarrowDifferential::PutStart(Machine& machine) const {
  machine.Reset();
  machine.state() = start_;
  std::ranges::copy(start_data_, machine.data().begin());
}

void NarrowDifferential::RunInterpreter(std::span<const u8> code) {
  PutStart(interpreted_);
  interpreted_.PutCode(code);
  wanted_ = interpreted_.RunToEnd(kMaxInstructions);
}

Machine& NarrowDifferential::Kvm() {
  if (kvm_ == nullptr) {
    kvm_ = std::make_unique<Machine>(mode_, EngineKind::kKvm);
  }
  return *kvm_;
}

// Which one ended the code is not known outside of long mode: any of them.
std::optional<size_t> NarrowDifferential::FindKnown(std::span<const u8> code) const {
  for (size_t at = 0; at < code.size();) {
    Inst inst;
    if (Decode(decode_mode(), std::as_bytes(code).subspan(at), inst) != DecodeStatus::kOk) {
      break;
    }
    if (const auto known = FindKvmAllowance({mode_, false, inst, wanted_, is_, kvm_->state()})) {
      return known;
    }
    at += inst.length;
  }
  return std::nullopt;
}

std::string NarrowDifferential::Compare(Machine& machine, std::span<const u8> code) {
  PutStart(machine);
  machine.PutCode(code);
  is_ = machine.RunToEnd(0);
  CpuState& state = machine.state();
  const int wanted_vector = wanted_ ? wanted_->vector : -1;
  const int vector = is_ ? is_->vector : -1;
  if (vector != wanted_vector) {
    return fmt::format("  exception {}, not {}\n", vector, wanted_vector);
  }
  if (is_ && !HasPreciseFlags(machine.kind())) {
    state.rflags = interpreted_.state().rflags;  // dead ones may differ
    StoreLe<u64>(machine.At(state.gpr[kRsp]), LoadLe<u64>(interpreted_.At(state.gpr[kRsp])));
    StoreLe<u64>(machine.At(state.gpr[kRsp] + 8),
                 LoadLe<u64>(interpreted_.At(state.gpr[kRsp] + 8)));
  }
  state.fx.fip = interpreted_.state().fx.fip;
  state.fx.fdp = interpreted_.state().fx.fdp;
  return CompareStates(interpreted_.state(), state) +
         CompareBytes("data", interpreted_.data(), machine.data());
}

std::string NarrowDifferential::Describe(std::span<const u8> code,
                                         const std::string& differences) const {
  std::string text;
  for (size_t at = 0; at < code.size();) {
    Inst inst;
    const auto bytes = std::as_bytes(code).subspan(at);
    if (Decode(decode_mode(), bytes, inst) != DecodeStatus::kOk) {
      break;
    }
    for (size_t i = 0; i < inst.length; ++i) {
      text += fmt::format("{:02x}", code[at + i]);
    }
    text += " ; " + Disassemble(decode_mode(), bytes, kLowLayout.code + at) + "\n";
    at += inst.length;
  }
  text += fmt::format("    rflags={:#x}", start_.rflags);
  for (u8 reg = 0; reg < 8; ++reg) {
    text += fmt::format(" r{}={:#x}", reg, start_.gpr[reg]);
  }
  return text + "\n" + differences;
}

NarrowResult NarrowDifferential::Run(u64 number, bool has_kvm) {
  number_ = number;
  random_ = Random(seed_ * 0x9e3779b97f4a7c15 + number);
  interpreted_.Reset();
  start_ = interpreted_.state();
  FillRegisters(random_, pool_, start_);
  for (u8 reg = 0; reg < 16; ++reg) {
    start_.gpr[reg] = Bit(kPointers, reg) ? Middle(random_()) : start_.gpr[reg] & 0xffffffff;
  }
  pool_.Fill(random_, start_data_.data(), kDataSize);
  const std::vector<u8> code = MakeCode();
  RunInterpreter(code);
  NarrowResult result;
  const std::string differences = Compare(*translators_[number_ % translators_.size()], code);
  result.translator = differences.empty() ? "" : Describe(code, differences);
  if (!has_kvm) {
    return result;
  }
  const std::string on_kvm = Compare(Kvm(), code);
  result.known_on_kvm = on_kvm.empty() ? std::nullopt : FindKnown(code);
  result.kvm = on_kvm.empty() || result.known_on_kvm ? "" : Describe(code, on_kvm);
  return result;
}

}  // namespace tandem::cpu
