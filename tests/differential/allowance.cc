#include "tests/differential/allowance.h"

#include <algorithm>

#include "base/bits.h"
#include "cpu/decode/facts.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

constexpr u8 kPageFault = 14, kSimdException = 19;
constexpr u32 kPresent = 1;  // in a page fault's error code
constexpr u64 kPageSize = 4096;
constexpr u32 kMxcsrInexact = 0x20;

bool IsX87Area(Op op) {
  return op == Op::kFldenv || op == Op::kFnstenv || op == Op::kFrstor || op == Op::kFnsave;
}

bool LoadsPointers(Op op) {
  return op == Op::kFldenv || op == Op::kFrstor || op == Op::kFxrstor || op == Op::kFxrstor64;
}

class Judge {
 public:
  Judge(const Ending& is, Ending& wanted, AllowanceCounts& counts)
      : is_(is), wanted_(wanted), counts_(counts) {}

  bool Decide(EngineKind engine, const Inst* only);

 private:
  template <typename T>
  void Take(Allowance allowance, T& wanted, const T& is) {
    if (wanted != is) {
      wanted = is;
      ++counts_[static_cast<size_t>(allowance)];
    }
  }
  void TakeFlags(Allowance allowance, u64 mask) {
    Take(allowance, wanted_.state.rflags,
         (wanted_.state.rflags & ~mask) | (is_.state.rflags & mask));
  }
  void TakePointers(Allowance allowance) {
    Take(allowance, wanted_.state.fx.fip, is_.state.fx.fip);
    Take(allowance, wanted_.state.fx.fdp, is_.state.fx.fdp);
  }
  void TakeGather(const Inst& inst);
  void TakeGatherMask(const Inst& inst);
  void TakeValues(const Inst& inst);
  void TakePageFault(const Inst* only);
  void TakeNullSelectors();

  const Ending& is_;
  Ending& wanted_;
  AllowanceCounts& counts_;
};

// What a gather that faults leaves above its vector.
void Judge::TakeGather(const Inst& inst) {
  const Operand& destination = inst.operands[0];
  const auto& is = is_.state.vec.zmm[destination.reg];
  auto& wanted = wanted_.state.vec.zmm[destination.reg];
  if (!std::equal(is + destination.size, std::end(is), wanted + destination.size)) {
    std::copy(is + destination.size, std::end(is), wanted + destination.size);
    ++counts_[static_cast<size_t>(Allowance::kFaultingGather)];
  }
}

// Elements of a gather's vector mask that select nothing: some hosts clear them on the way.
void Judge::TakeGatherMask(const Inst& inst) {
  const size_t size = inst.op == Op::kGatherDd || inst.op == Op::kGatherQd ? 4 : 8;
  const auto& is = is_.state.vec.zmm[inst.operands[2].reg];
  auto& wanted = wanted_.state.vec.zmm[inst.operands[2].reg];
  for (size_t at = 0; at < 32; at += size) {
    const bool is_selected = ((is[at + size - 1] | wanted[at + size - 1]) & 0x80) != 0;
    if (!is_selected && !std::equal(is + at, is + at + size, wanted + at)) {
      std::copy(is + at, is + at + size, wanted + at);
      ++counts_[static_cast<size_t>(Allowance::kFaultingGather)];
    }
  }
}

void Judge::TakeValues(const Inst& inst) {
  for (u8 reg = 0; reg < 16; ++reg) {
    if (Bit(inst.gprs_written, reg)) {
      Take(Allowance::kOtherValue, wanted_.state.gpr[reg], is_.state.gpr[reg]);
    }
  }
}

// Whether a page of the upper half is there the host alone knows. Of large areas processors touch
// the parts in an order of their own.
void Judge::TakePageFault(const Inst* only) {
  if (!is_.exception || !wanted_.exception || is_.exception->vector != kPageFault ||
      wanted_.exception->vector != kPageFault) {
    return;
  }
  const bool is_upper = static_cast<i64>(wanted_.state.cr2) < 0;
  if (is_upper && is_.state.cr2 == wanted_.state.cr2) {
    const u32 wanted =
        (wanted_.exception->error_code & ~kPresent) | (is_.exception->error_code & kPresent);
    Take(Allowance::kForeignPage, wanted_.exception->error_code, wanted);
  }
  const Operand* const operand = only == nullptr ? nullptr : MemoryOperandOf(*only);
  const bool is_area = operand != nullptr && operand->size > 64;
  if (only != nullptr && (only->op == Op::kCmps || only->op == Op::kMovs)) {
    Take(Allowance::kAreaAddress, wanted_.exception->error_code, is_.exception->error_code);
    Take(Allowance::kAreaAddress, wanted_.state.cr2, is_.state.cr2);
  }
  const u64 distance = wanted_.state.cr2 - is_.state.cr2 + kPageSize;
  if ((is_area || (only != nullptr && IsX87Area(only->op))) && distance < 2 * kPageSize) {
    Take(Allowance::kAreaAddress, wanted_.state.cr2, is_.state.cr2);
  }
}

// IRET to user mode clears them.
void Judge::TakeNullSelectors() {
  for (size_t i = 0; i < is_.state.seg.size(); ++i) {
    u16& wanted = wanted_.state.seg[i].selector;
    if (wanted == 0 && is_.state.seg[i].selector <= 3) {
      Take(Allowance::kNullSelector, wanted, is_.state.seg[i].selector);
    }
  }
}

// Whether memory may differ, too.
bool Judge::Decide(EngineKind engine, const Inst* only) {
  if (only != nullptr && NativeTreatmentOf(*only) == Native::kOtherValue) {
    TakeValues(*only);
  }
  TakePageFault(only);
  TakeNullSelectors();
  if (only != nullptr && IsTransfer(only->op) && is_.exception && wanted_.exception &&
      is_.exception->rip == wanted_.exception->rip &&
      (only->is_far || is_.exception->vector != wanted_.exception->vector)) {
    ++counts_[static_cast<size_t>(Allowance::kFarOrder)];
    wanted_ = is_;
  }
  if (is_.exception && is_.exception->vector == kSimdException) {
    Take(Allowance::kInexactUnknown, wanted_.state.fx.mxcsr,
         wanted_.state.fx.mxcsr | (is_.state.fx.mxcsr & kMxcsrInexact));
    if (only != nullptr && MnemonicName(only->mnemonic).find("dpp") != std::string_view::npos) {
      Take(Allowance::kDotProduct, wanted_.state.fx.mxcsr, is_.state.fx.mxcsr);
    }
  }
  if (is_.exception && only != nullptr && only->op >= Op::kGatherDd && only->op <= Op::kGatherQq) {
    TakeGather(*only);
    if (only->host_class != HostClass::kAvx512) {
      TakeGatherMask(*only);
    }
  }
  const bool may_have_pushed = wanted_.exception && MayHavePushed(engine, only, is_);
  if (engine == EngineKind::kInterpreter) {
    if (only == nullptr || LoadsPointers(only->op)) {
      TakePointers(Allowance::kOldPointers);
    }
    return may_have_pushed;
  }
  if (only == nullptr || LoadsPointers(only->op)) {
    TakePointers(Allowance::kX87Pointers);
  }
  if (is_.exception && only == nullptr && !HasPreciseFlags(engine)) {
    TakeFlags(Allowance::kDeadFlags, kArithFlags);
  }
  return may_have_pushed;
}

}  // namespace

const char* NameOf(Side side) {
  return side == Side::kInterpreter ? "interpreter" : side == Side::kKvm ? "KVM" : "translator";
}

const char* NameOfAllowance(size_t index) {
  switch (static_cast<Allowance>(index)) {
    case Allowance::kOtherValue:
      return "values that are the host's own (CPUID, clocks, random numbers)";
    case Allowance::kInexactUnknown:
      return "MXCSR.PE beside an unmasked exception: only the unmasked instruction knows";
    case Allowance::kDotProduct:
      return "MXCSR after DPPS and DPPD with an unmasked exception: it depends on their steps";
    case Allowance::kOldPointers:
      return "interpreter: x87 pointers from before, while no exception is pending";
    case Allowance::kFaultingGather:
      return "what a gather that faults leaves above its vector, and of mask elements that select "
             "nothing";
    case Allowance::kForeignPage:
      return "whether there is a page in the kernel's half";
    case Allowance::kAreaAddress:
      return "which part of a large area, or which of two operands, was not there";
    case Allowance::kFarOrder:
      return "which of several faults of a call, jump or return comes first, and what it has "
             "pushed";
    case Allowance::kX87Pointers:
      return "translator: x87 instruction and data pointers from before, while no exception is "
             "pending";
    case Allowance::kDeadFlags:
      return "translator without precise-flags=on: at a fault, flags that the code overwrites "
             "anyway";
    case Allowance::kPushedBefore:
      return "what a far call, or a near one of the translator, to where it may not lead has "
             "stored below "
             "RSP";
    case Allowance::kNullSelector:
      return "null selectors 1 to 3 that an interrupt on the host has made 0";
    case Allowance::kCount:
      break;
  }
  return KvmAllowanceName(index - kOwnAllowances);
}

bool MayHavePushed(EngineKind engine, const Inst* only, const Ending& ending) {
  return ending.exception && only != nullptr && only->op == Op::kCall &&
         (only->is_far || engine != EngineKind::kInterpreter);
}

bool Allow(EngineKind engine, const Inst* only, const Ending& is, Ending& wanted,
           AllowanceCounts& counts) {
  return Judge(is, wanted, counts).Decide(engine, only);
}

}  // namespace tandem::cpu
