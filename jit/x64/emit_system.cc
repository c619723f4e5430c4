#include "jit/x64/emitter.h"

// What C++ executes, and the few system instructions that are done in place.
namespace tandem::jit {

using Xbyak::RegExp;

namespace {

constexpr size_t kRflags = offsetof(VcpuContext, state.rflags);
constexpr size_t kKeptImage = offsetof(VcpuContext, spill) + 32;
constexpr size_t kGs = static_cast<size_t>(cpu::SegReg::kGs);
constexpr u32 kPushedBesides = 0xfcffff & ~static_cast<u32>(cpu::kArithFlags);  // no RF, no VM

}  // namespace

const CallOut* Emitter::MakeCallOut(size_t i) {
  auto& call_outs = block_->MakeExtras().call_outs;
  call_outs.push_back(request_->make_call_out(unit_->insts[i]));
  return call_outs.back().get();
}

// The one place where the thunk is entered. It comes back behind the jump.
void Emitter::EmitCallOut(size_t i) {
  constexpr int kJumpSize = 5;
  ToMemoryForm();
  LeaveHomes();
  LoadConstant(kScratch0, reinterpret_cast<u64>(MakeCallOut(i)));
  lea(Scratch1(), ptr[Xbyak::util::rip + kJumpSize]);
  JumpTo(thunks_.call_out);
  TakeHomes();
}

void Emitter::EmitExecute(size_t i) {
  ToMemoryForm();
  ExecuteInCpp(MakeCallOut(i));
}

void Emitter::ExecuteInCpp(const CallOut* call_out) {
  LeaveHomes();
  LoadConstant(kScratch0, reinterpret_cast<u64>(call_out));
  JumpTo(thunks_.execute);
}

// C++ sees to STI where something waits for its effect: it knows of the shadow.
void Emitter::EmitInterruptFlag(size_t i) {
  FreeHostFlags(live_[i].before);
  if (unit_->insts[i].inst.op == cpu::Op::kCli) {
    putSeg(gs);
    and_(dword[RegExp(kRflags)], static_cast<u32>(~cpu::kFlagIf));
    return;
  }
  LoadContext(kScratch0.cvt32(), offsetof(VcpuContext, attention));
  WithContext(kOr, kScratch0.cvt32(), offsetof(VcpuContext, window_wanted));
  const size_t wanted = JumpIf(kNotEqual);
  putSeg(gs);
  or_(dword[RegExp(kRflags)], static_cast<u32>(cpu::kFlagIf));
  Later([this, wanted, call_out = MakeCallOut(i), form = form_] {
    form_ = form;
    Land(wanted);
    ExecuteInCpp(call_out);
  });
}

void Emitter::EmitSwapGs() {
  constexpr size_t kBase =
      offsetof(VcpuContext, state.seg) + kGs * sizeof(cpu::Segment) + offsetof(cpu::Segment, base);
  constexpr size_t kOther = offsetof(VcpuContext, state.msr.kernel_gs_base);
  LoadContext(kScratch0, kBase);
  LoadContext(Scratch1(), kOther);
  StoreContext(kOther, kScratch0);
  StoreContext(kBase, Scratch1());
  StoreContext(offsetof(VcpuContext, segment_base) + 8 * kGs, Scratch1());
}

// The arithmetic flags from the host's image, the rest from the state's.
void Emitter::EmitPushFlags(size_t i) {
  const unsigned bytes = unit_->mode.code_bits / 8;
  NeedHostFlags();
  pushfq();
  pop(Scratch1());
  SaveFlags(kScratch0);
  form_.flags = FlagHome::kMemory;
  LoadContext(kScratch0.cvt32(), kRflags);
  and_(kScratch0.cvt32(), kPushedBesides);
  and_(Scratch1().cvt32(), static_cast<u32>(cpu::kArithFlags));
  or_(Scratch1().cvt32(), kScratch0.cvt32());
  StoreContext(kKeptImage, Scratch1());
  const HostMem mem = Address(i, accesses_[i].stack);
  LoadContext(Scratch1(), kKeptImage);
  WithMemory(kStore, Sized(Scratch1(), bytes), mem);
  MoveStackPointer(-static_cast<i32>(bytes));
}

}  // namespace tandem::jit
