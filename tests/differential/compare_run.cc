#include "tests/differential/compare_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/rows/compare.h"

namespace tandem::cpu {
namespace {

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

}  // namespace

Differential::Differential(u64 seed, Choice choice) : random_(seed), choice_(choice) {}

std::string Differential::RunOne() {
  std::optional<Trial> trial;
  while (!(trial = MakeTrial(random_, machine_.model(), choice_))) {
  }
  ++trials_;
  const std::string text = TextOf(*trial);
  ++coverage_[text.substr(0, text.find(' '))];
  machine_.Reset();
  FillState(random_, trial->inst, machine_.state());
  FillData(random_, machine_.data());
  std::copy(machine_.data().begin(), machine_.data().end(), native_.data().begin());
  const std::span<std::byte> stack(machine_.At(kLongLayout.stack - 0x2000), 0x4000);
  std::fill(stack.begin(), stack.end(), std::byte{0x5a});
  std::copy(stack.begin(), stack.end(), native_.stack().begin());
  machine_.PutCode(trial->code);
  *start_ = machine_.state();
  *native_state_ = machine_.state();
  const int signal = native_.Run(*native_state_, trial->code);
  const auto exception = machine_.Run(1);
  if (exception ? !SignalMatches(signal, exception->vector) : signal != 0) {
    return Describe(*trial, fmt::format("  native: signal {}, interpreter: exception {}\n", signal,
                                        exception ? exception->vector : -1));
  }
  // Whether an unmasked overflow or underflow was inexact too only the unmasked instruction knows.
  if (exception && exception->vector == 19) {
    native_state_->fx.mxcsr |= machine_.state().fx.mxcsr & 0x20;
  }
  // Processors differ in what they keep of loaded pointers where no exception is pending.
  if (trial->inst.op == Op::kFldenv || trial->inst.op == Op::kFrstor) {
    native_state_->fx.fip = machine_.state().fx.fip;
    native_state_->fx.fdp = machine_.state().fx.fdp;
  }
  // And in what a gather that faults leaves above its vector.
  if (exception && trial->inst.op >= Op::kGatherDd && trial->inst.op <= Op::kGatherQq) {
    const Operand& destination = trial->inst.operands[0];
    std::copy(machine_.state().vec.zmm[destination.reg] + destination.size,
              std::end(machine_.state().vec.zmm[destination.reg]),
              native_state_->vec.zmm[destination.reg] + destination.size);
  }
  const std::string differences = CompareStates(*native_state_, machine_.state()) +
                                  CompareBytes("data", native_.data(), machine_.data()) +
                                  CompareBytes("stack", native_.stack(), stack);
  return differences.empty() ? "" : Describe(*trial, differences);
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
