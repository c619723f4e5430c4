#include "tests/differential/compare_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/rows/compare.h"

namespace tandem::cpu {
namespace {

constexpr u64 kMaxInstructions = 10000;

bool IsCanonical(u64 address) {
  return static_cast<i64>(address << 16) >> 16 == static_cast<i64>(address);
}

constexpr u64 kStack = kLongLayout.stack - 0x2000, kStackSize = 0x4000;

std::string CompareMemory(const NativeRunner& native, Machine& machine) {
  return CompareBytes("data", native.data(), machine.Read(kLongLayout.data, kDataSize)) +
         CompareBytes("stack", native.stack(), machine.Read(kStack, kStackSize));
}

std::string TextOf(const Trial& trial) {
  return Disassemble({64}, std::as_bytes(std::span(trial.code)), kLongLayout.code);
}

std::string HexOf(std::span<const u8> bytes) {
  std::string text;
  for (const u8 byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::string Under(const char* title, const std::string& differences) {
  return differences.empty() ? "" : fmt::format("  {}:\n{}", title, differences);
}

std::string TextOf(const std::optional<Machine::Exception>& exception) {
  return exception ? fmt::format("exception {} error {:#x} at {:#x}", exception->vector,
                                 exception->error_code, exception->rip)
                   : "no exception";
}

}  // namespace

Differential::Differential(u64 seed, Choice choice) : random_(seed), choice_(choice) {
  machine_.ScatterPages();
  for (const EngineKind kind : kTranslators) {
    translators_.push_back(std::make_unique<Machine>(MachineMode::kLong, kind));
    translators_.back()->ScatterPages();
  }
}

void Differential::NextTranslator() {
  translated_ = translators_[(trials_ + sequences_) % translators_.size()].get();
}

void Differential::PutStart(Machine& machine) {
  machine.Reset();
  machine.state() = *start_;
  machine.Write(kLongLayout.data, start_data_);
  machine.Write(kStack, std::vector<std::byte>(kStackSize, std::byte{0x5a}));
}

// What the host leaves where processors differ or the interpreter cannot know.
void Differential::Forgive(const Inst* only, const std::optional<Machine::Exception>& exception) {
  // Whether an unmasked overflow or underflow was inexact too only the unmasked instruction knows.
  if (exception && exception->vector == 19) {
    native_state_->fx.mxcsr |= machine_.state().fx.mxcsr & 0x20;
  }
  // Pointers that were loaded, or are older, while no exception is pending.
  if (only == nullptr || only->op == Op::kFldenv || only->op == Op::kFrstor) {
    native_state_->fx.fip = machine_.state().fx.fip;
    native_state_->fx.fdp = machine_.state().fx.fdp;
  }
  // What a gather that faults leaves above its vector.
  if (exception && only != nullptr && only->op >= Op::kGatherDd && only->op <= Op::kGatherQq) {
    const Operand& destination = only->operands[0];
    std::copy(machine_.state().vec.zmm[destination.reg] + destination.size,
              std::end(machine_.state().vec.zmm[destination.reg]),
              native_state_->vec.zmm[destination.reg] + destination.size);
  }
}

std::string Differential::RunAll(std::span<const u8> code, const Inst* only) {
  PutStart(machine_);
  PutStart(*translated_);
  std::ranges::copy(start_data_, native_.data().begin());
  std::ranges::fill(native_.stack(), std::byte{0x5a});
  machine_.PutCode(code);
  translated_->PutCode(code);
  *native_state_ = *start_;
  const int signal = native_.Run(*native_state_, code);
  const auto exception = machine_.RunToEnd(kMaxInstructions);
  if (exception ? !SignalMatches(signal, exception->vector) : signal != 0) {
    return fmt::format("  native: signal {}, interpreter: {}\n", signal, TextOf(exception));
  }
  Forgive(only, exception);
  const std::string text =
      Under("interpreter against host", CompareStates(*native_state_, machine_.state()) +
                                            CompareMemory(native_, machine_));
  return text + CompareTranslator(only, exception);
}

// Against the interpreter: the exception with its error code and CR2; what it leaves against the
// host's. Not kept: x87 pointers, and at an exception the flags that the code overwrites anyway.
std::string Differential::CompareTranslator(const Inst* only,
                                            const std::optional<Machine::Exception>& wanted) {
  const auto exception = translated_->RunToEnd(0);
  CpuState& state = translated_->state();
  // A branch to an address that is not canonical: the translator's fault is at the target.
  if (exception && wanted && exception->vector == 13 && wanted->vector == 13 &&
      !IsCanonical(exception->rip)) {
    return {};
  }
  if (TextOf(exception) != TextOf(wanted)) {
    return fmt::format("  translator: {}, interpreter: {}\n", TextOf(exception), TextOf(wanted));
  }
  const bool has_dead_flags = exception && (only == nullptr || only->flags_written != 0);
  const u64 ignored = has_dead_flags ? ~u64{0} : only != nullptr ? UndefinedFlags(*only) : 0;
  state.rflags = (state.rflags & ~ignored) | (native_state_->rflags & ignored);
  native_state_->fx.fip = state.fx.fip;
  native_state_->fx.fdp = state.fx.fdp;
  const std::string cr2 = state.cr2 == machine_.state().cr2 ? "" : "  cr2\n";
  return Under("translator against host", CompareStates(*native_state_, state) +
                                              CompareMemory(native_, *translated_) + cr2);
}

std::string Differential::RunOne() {
  std::optional<Trial> trial;
  while (!(trial = MakeTrial(random_, machine_.model(), choice_))) {
  }
  ++trials_;
  NextTranslator();
  const std::string text = TextOf(*trial);
  ++coverage_[text.substr(0, text.find(' '))];
  machine_.Reset();
  FillState(random_, trial->inst, machine_.state());
  FillData(random_, start_data_);
  *start_ = machine_.state();
  const std::string differences = RunAll(trial->code, &trial->inst);
  return differences.empty() ? "" : Describe(*trial, differences);
}

std::string Differential::TrySequence(const Sequence& sequence) {
  return RunAll(Assemble(sequence), nullptr);
}

std::string Differential::RunSequence() {
  ++sequences_;
  NextTranslator();
  machine_.Reset();
  FillData(random_, start_data_);
  const Sequence sequence = MakeSequence(random_, machine_.model(), machine_.state());
  *start_ = machine_.state();
  const std::string first = TrySequence(sequence);
  if (first.empty()) {
    return {};
  }
  const Sequence small = Shrink(sequence);
  const std::string again = TrySequence(small);
  return again.empty() ? Describe(sequence, "  once only:\n" + first) : Describe(small, again);
}

// Takes pieces out as long as there is a difference.
Sequence Differential::Shrink(Sequence sequence) {
  for (bool is_smaller = true; is_smaller;) {
    is_smaller = false;
    for (size_t i = sequence.pieces.size(); i-- > 0;) {
      const Sequence without = Without(sequence, i);
      if (!TrySequence(without).empty()) {
        sequence = without;
        is_smaller = true;
      }
    }
  }
  return sequence;
}

std::string Differential::Describe(const Sequence& sequence, const std::string& differences) const {
  const std::vector<u8> code = Assemble(sequence);
  const auto used = std::span(code).subspan(sequence.offset);
  std::string text = fmt::format("sequence {} at offset {:#x}\n", HexOf(used), sequence.offset);
  for (size_t at = sequence.offset; at < code.size();) {
    Inst inst;
    const auto bytes = std::as_bytes(std::span(code)).subspan(at);
    if (Decode({64}, bytes, inst) != DecodeStatus::kOk) {
      break;
    }
    const u64 address = kLongLayout.code + at;
    text += fmt::format("    {:#x}: {}\n", address, Disassemble({64}, bytes, address));
    at += inst.length;
  }
  text += fmt::format("    rflags={:#x} mxcsr={:#x} fcw={:#x}", start_->rflags, start_->fx.mxcsr,
                      start_->fx.fcw);
  for (u8 reg = 0; reg < 16; ++reg) {
    text += fmt::format(" r{}={:#x}", reg, start_->gpr[reg]);
  }
  return text + "\n" + differences;
}

// The start as a row of tests/rows has it, as far as the instruction reads it.
std::string Differential::Describe(const Trial& trial, const std::string& differences) const {
  std::string text = fmt::format("{} ; {} | rflags={:#x} mxcsr={:#x} fcw={:#x} fsw={:#x} ftw={:#x}",
                                 HexOf(trial.code), TextOf(trial), start_->rflags, start_->fx.mxcsr,
                                 start_->fx.fcw, start_->fx.fsw, start_->fx.ftw);
  const Inst& inst = trial.inst;
  for (u8 reg = 0; reg < 32; ++reg) {
    if (reg < 16 && Bit(inst.gprs_read | inst.gprs_written, reg)) {
      text += fmt::format(" r{}={:#x}", reg, start_->gpr[reg]);
    }
    if (reg < 8 && Bit(inst.masks_read | inst.masks_written, reg)) {
      text += fmt::format(" k{}={:#x}", reg, start_->vec.k[reg]);
    }
    if (Bit(inst.vectors_read | inst.vectors_written, reg)) {
      std::array<u8, 64> bytes;
      std::reverse_copy(std::begin(start_->vec.zmm[reg]), std::end(start_->vec.zmm[reg]),
                        bytes.begin());
      text += fmt::format(" zmm{}=0x{}", reg, HexOf(bytes));
    }
  }
  return text + "\n" + differences;
}

}  // namespace tandem::cpu
