#include "tests/differential/contest.h"

#include "cpu/decode/decoder.h"
#include "cpu/decode/facts.h"

namespace tandem::cpu {
namespace {

constexpr u64 kMxcsrMaskOffset = 28;  // in the image of FXSAVE
constexpr u32 kMxcsrMask = 0xffff;

}  // namespace

void Contest::Begin(const Inst* only, MachineMode mode, std::span<const u8> code) {
  only_ = only;
  mode_ = mode;
  code_.assign(code.begin(), code.end());
  undefined_ = only == nullptr ? 0 : UndefinedFlags({CodeBits(mode)}, std::as_bytes(code));
}

bool Contest::IsFxsave() const {
  return only_ != nullptr && (only_->op == Op::kFxsave || only_->op == Op::kFxsave64);
}

void Contest::RunHost(const CpuState& start) {
  const Parties::End end = parties_.RunHost(start);
  host_.exception = end.exception;
  host_.state = *end.state;
  if (IsFxsave() && !host_.exception) {
    // The models' MXCSR_MASK is that of processors without misaligned-exception mode.
    parties_.WriteHost(parties_.OperandAddress(*only_, start) + kMxcsrMaskOffset, kMxcsrMask);
  }
}

// Runs the engine. Where it did not end as the host did, wanted_ and is_ are filled, allowed
// differences taken out.
Contest::Comparison Contest::Compare(Side side, const CpuState& start) {
  const Parties::End end = parties_.Run(side, start);
  const EngineKind engine = parties_.EngineOf(side);
  is_.exception = end.exception;
  if (side == Side::kKvm && IsFxsave() && !end.exception) {
    parties_.WriteKvm(parties_.OperandAddress(*only_, start) + kMxcsrMaskOffset, kMxcsrMask);
  }
  const auto is_same = [](const Exceptions& a, u64 a_cr2, const Exceptions& b, u64 b_cr2) {
    return a.has_value() == b.has_value() &&
           (!a || (a->vector == b->vector && a->error_code == b->error_code && a->rip == b->rip)) &&
           a_cr2 == b_cr2;
  };
  if (is_same(host_.exception, host_.state.cr2, end.exception, end.state->cr2) &&
      AreEqual(host_.state, *end.state)) {
    const bool ignores_memory = MayHavePushed(engine, only_, host_);
    allowances_[static_cast<size_t>(Allowance::kPushedBefore)] += ignores_memory ? 1 : 0;
    return {true, ignores_memory};
  }
  is_.state = *end.state;
  wanted_ = host_;
  const bool ignores_memory = Allow(engine, only_, is_, wanted_, allowances_);
  return {is_same(wanted_.exception, wanted_.state.cr2, is_.exception, is_.state.cr2) &&
              AreEqual(wanted_.state, is_.state),
          ignores_memory};
}

bool Contest::HasSameMemory() {
  for (const Side side : parties_.sides()) {
    if (!parties_.HasSameMemory(side)) {
      last_different_ = side;
      return false;
    }
  }
  return true;
}

bool Contest::IsEqual(const CpuState& start, Window data, u64 stack_linear) {
  RunHost(start);
  if (!has_ended()) {
    return true;
  }
  for (const Side side : parties_.sides()) {
    const Comparison comparison = Compare(side, start);
    if (comparison.ignores_memory) {
      parties_.TakeHostMemory(side);
    }
    if (comparison.is_same && parties_.HasSameMemoryNear(side, data, stack_linear)) {
      continue;
    }
    if (side != Side::kKvm || !KvmMayDiffer()) {
      last_different_ = side;
      return false;
    }
    parties_.TakeHostMemory(side);
  }
  return true;
}

// Of a sequence the instruction counts that KVM ended it with.
bool Contest::KvmMayDiffer() {
  Inst ended_with;
  const Inst* inst = only_;
  if (inst == nullptr && is_.exception) {
    const u64 at = is_.exception->rip + LayoutOf(mode_).code_base - kLongLayout.code;
    const auto bytes = std::as_bytes(std::span(code_));
    if (at < code_.size() &&
        Decode({CodeBits(mode_)}, bytes.subspan(at), ended_with) == DecodeStatus::kOk) {
      inst = &ended_with;
    }
  }
  const auto allowance =
      inst == nullptr
          ? std::nullopt
          : FindKvmAllowance({mode_, true, *inst, host_.exception, is_.exception, is_.state});
  if (allowance) {
    CountKnownOnKvm(*allowance);
  }
  return allowance.has_value();
}

void Contest::CountKnownOnKvm(size_t kvm_allowance) {
  ++allowances_[kOwnAllowances + kvm_allowance];
  ++known_on_kvm_;
}

void Contest::Look(Side side, const CpuState& start, std::vector<Difference>& found) {
  const auto [is_same, ignores_memory] = Compare(side, start);
  if (ignores_memory) {
    parties_.TakeHostMemory(side);
  }
  const std::string memory = parties_.CompareMemory(side);
  if (is_same && memory.empty()) {
    return;
  }
  if (side == Side::kKvm && KvmMayDiffer()) {
    parties_.TakeHostMemory(side);
    return;
  }
  // What the host makes of bytes without meaning is as undefined as a flag.
  const bool is_unknown = only_ != nullptr && only_->op == Op::kInvalid;
  Difference difference{side, is_unknown || (memory.empty() && undefined_ != 0), memory};
  if (!is_same) {
    difference.text +=
        CompareExceptions(wanted_.exception, wanted_.state.cr2, is_.exception, is_.state.cr2) +
        CompareStates(wanted_.state, is_.state);
    wanted_.state.rflags =
        (wanted_.state.rflags & ~u64{undefined_}) | (is_.state.rflags & undefined_);
    difference.is_undefined =
        is_unknown || (difference.is_undefined && AreEqual(wanted_.state, is_.state) &&
                       wanted_.exception.has_value() == is_.exception.has_value());
  }
  found.push_back(difference);
}

std::vector<Difference> Contest::Differences(const CpuState& start) {
  RunHost(start);
  if (!has_ended()) {
    return {};
  }
  std::vector<Difference> found;
  for (const Side side : parties_.sides()) {
    Look(side, start, found);
  }
  return found;
}

std::vector<Difference> Contest::Differences(const Start& start, const Inst* only, Lineup lineup,
                                             NativeRunner::End end) {
  parties_.PutCode(start.mode, start.code, lineup, end);
  parties_.FillMemory(start.data, start.stack);
  Begin(only, start.mode, start.code);
  return Differences(start.state);
}

}  // namespace tandem::cpu
