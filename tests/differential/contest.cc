#include "tests/differential/contest.h"

#include "cpu/decode/facts.h"

namespace tandem::cpu {
namespace {

constexpr u64 kMxcsrMaskOffset = 28;  // in the image of FXSAVE
constexpr u32 kMxcsrMask = 0xffff;

}  // namespace


void Contest::Begin(const Inst* only, DecodeMode mode, std::span<const u8> code) {
  only_ = only;
  undefined_ = only == nullptr ? 0 : UndefinedFlags(mode, std::as_bytes(code));
}

void Contest::RunHost(const CpuState& start) {
  const Parties::End end = parties_.RunHost(start);
  host_.exception = end.exception;
  host_.state = *end.state;
  if (only_ != nullptr && (only_->op == Op::kFxsave || only_->op == Op::kFxsave64) &&
      !host_.exception) {
    // The models' MXCSR_MASK is that of processors without misaligned-exception mode.
    parties_.WriteHost(parties_.OperandAddress(*only_, start) + kMxcsrMaskOffset, kMxcsrMask);
  }
}

// Runs the engine; true where it ended as the host did, memory aside. Otherwise both ends are
// filled, allowed differences taken out.
bool Contest::Runs(Side side, const CpuState& start, Ending& wanted, Ending& is) {
  const Parties::End end = side == Side::kInterpreter ? parties_.RunInterpreter(start)
                                                      : parties_.RunTranslator(start);
  const auto is_same = [](const Exceptions& a, u64 a_cr2, const Exceptions& b, u64 b_cr2) {
    return a.has_value() == b.has_value() &&
           (!a || (a->vector == b->vector && a->error_code == b->error_code && a->rip == b->rip)) &&
           a_cr2 == b_cr2;
  };
  if (is_same(host_.exception, host_.state.cr2, end.exception, end.state->cr2) &&
      AreEqual(host_.state, *end.state)) {
    return true;
  }
  is = {end.exception, *end.state};
  wanted = host_;
  Allow(side, only_, is, wanted, allowances_);
  return is_same(wanted.exception, wanted.state.cr2, is.exception, is.state.cr2) &&
         AreEqual(wanted.state, is.state);
}

bool Contest::IsEqual(const CpuState& start, Window data, u64 stack_linear) {
  RunHost(start);
  if (!has_ended()) {
    return true;
  }
  const bool is_interpreter_equal = Runs(Side::kInterpreter, start, wanted_, is_) &&
                                    parties_.HasSameMemoryNear(false, data, stack_linear);
  const bool is_translator_equal = Runs(Side::kTranslator, start, wanted_, is_) &&
                                   parties_.HasSameMemoryNear(true, data, stack_linear);
  return is_interpreter_equal && is_translator_equal;
}

void Contest::Look(Side side, const CpuState& start, std::vector<Difference>& found) {
  const bool is_translator = side == Side::kTranslator;
  const bool is_same = Runs(side, start, wanted_, is_);
  const std::string memory = parties_.CompareMemory(is_translator);
  if (is_same && memory.empty()) {
    return;
  }
  Difference difference{side, memory.empty() && undefined_ != 0, memory};
  if (!is_same) {
    difference.text += CompareExceptions(wanted_.exception, wanted_.state.cr2, is_.exception,
                                         is_.state.cr2) +
                       CompareStates(wanted_.state, is_.state);
    wanted_.state.rflags =
        (wanted_.state.rflags & ~u64{undefined_}) | (is_.state.rflags & undefined_);
    difference.is_undefined = difference.is_undefined &&
                              CompareStates(wanted_.state, is_.state).empty() &&
                              wanted_.exception.has_value() == is_.exception.has_value();
  }
  found.push_back(difference);
}

std::vector<Difference> Contest::Differences(const CpuState& start) {
  RunHost(start);
  if (!has_ended()) {
    return {};
  }
  std::vector<Difference> found;
  Look(Side::kInterpreter, start, found);
  Look(Side::kTranslator, start, found);
  return found;
}

std::vector<Difference> Contest::Differences(const Start& start, const Inst* only, u64 turn) {
  parties_.PutCode(start.mode, start.code, turn);
  parties_.FillMemory(start.data, start.stack);
  Begin(only, {CodeBits(start.mode)}, start.code);
  return Differences(start.state);
}

}  // namespace tandem::cpu
