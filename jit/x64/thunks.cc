#include "jit/x64/thunks.h"

#include "jit/x64/assembler.h"

namespace tandem::jit {
namespace {

using Xbyak::Label;
using Xbyak::Reg64;

constexpr size_t kContextSpill = offsetof(VcpuContext, spill);
constexpr size_t Spill(size_t i) { return kContextSpill + 8 * i; }
constexpr size_t ZmmOffset(size_t i) { return offsetof(VcpuContext, state.vec.zmm) + 64 * i; }
constexpr size_t MaskOffset(size_t i) { return offsetof(VcpuContext, state.vec.k) + 8 * i; }
constexpr size_t kMxcsr = offsetof(VcpuContext, state.fx.mxcsr);

class ThunkEmitter : public Assembler {
 public:
  ThunkEmitter(u8* writable, const u8* executable, size_t size, const Handlers& handlers,
               bool has_avx512)
      : Assembler(writable, size),
        executable_(executable),
        handlers_(handlers),
        has_avx512_(has_avx512) {}

  Thunks Emit();

 private:
  const u8* Here() {
    align(16);
    return getCurr();
  }
  const u8* ToExecutable(const u8* at) const { return executable_ + (at - getCode()); }

  void MoveGprs(bool save);
  void SaveVectors();
  void LoadVectors();
  void SkipWithoutVectors(const Label& none);
  void MoveWholeVectors(bool save);
  void JumpIfUppersInUse(const Label& in_use);
  void EmitResume();
  void EmitEnter();
  const u8* EmitCall(Handler handler);
  const u8* EmitCallWithRecord(Handler handler);
  const u8* EmitBranchMiss();
  const u8* EmitFindBranch();
  const u8* EmitUnderflow();
  const u8* EmitMiss(unsigned bank, bool write);
  void FillSlot(unsigned bank, size_t micro);

  const u8* const executable_;
  const Handlers& handlers_;
  const bool has_avx512_;
  Label resume_, leave_;
  Thunks thunks_;
};

void ThunkEmitter::MoveGprs(bool save) {
  for (u8 guest = 0; guest < 16; ++guest) {
    if (LivesInMemory(guest)) {
      continue;
    }
    const Reg64 host(HostRegister(guest));
    save ? StoreContext(GprOffset(guest), host) : LoadContext(host, GprOffset(guest));
  }
}

void ThunkEmitter::SaveVectors() {
  Label none;
  SkipWithoutVectors(none);
  MoveWholeVectors(true);
  putSeg(gs);
  stmxcsr(At(kMxcsr));
  putSeg(gs);
  ldmxcsr(At(offsetof(VcpuContext, host_mxcsr)));
  vzeroupper();
  L(none);
}

// Host registers whose upper parts were written make the SSE instructions of many processors slow,
// even if what was written is zero: these are left alone where the guest's are zero.
// Intel's optimization manual, "Mixing AVX code with SSE code".
void ThunkEmitter::LoadVectors() {
  Label none, whole, done;
  SkipWithoutVectors(none);
  JumpIfUppersInUse(whole);
  vzeroupper();
  for (int i = 0; i < 16; ++i) {
    putSeg(gs);
    movups(Xbyak::Xmm(i), At(ZmmOffset(i)));
  }
  for (int i = 16; has_avx512_ && i < 32; ++i) {
    putSeg(gs);
    vmovups(Xbyak::Zmm(i), At(ZmmOffset(i)));
  }
  jmp(done, T_NEAR);
  L(whole);
  MoveWholeVectors(false);
  L(done);
  for (int i = 0; has_avx512_ && i < 8; ++i) {
    putSeg(gs);
    kmovq(Xbyak::Opmask(i), At(MaskOffset(i)));
  }
  putSeg(gs);
  ldmxcsr(At(kMxcsr));
  L(none);
}

void ThunkEmitter::SkipWithoutVectors(const Label& none) {
  putSeg(gs);
  cmp(byte[Xbyak::RegExp(offsetof(VcpuContext, vectors_loaded))], 0);
  je(none, T_NEAR);
}

void ThunkEmitter::MoveWholeVectors(bool save) {
  const int count = has_avx512_ ? 32 : 16;
  for (int i = 0; i < count; ++i) {
    putSeg(gs);
    if (has_avx512_) {
      save ? vmovups(At(ZmmOffset(i)), Xbyak::Zmm(i)) : vmovups(Xbyak::Zmm(i), At(ZmmOffset(i)));
    } else {
      save ? vmovups(At(ZmmOffset(i)), Xbyak::Ymm(i)) : vmovups(Xbyak::Ymm(i), At(ZmmOffset(i)));
    }
  }
  for (int i = 0; has_avx512_ && save && i < 8; ++i) {
    putSeg(gs);
    kmovq(At(MaskOffset(i)), Xbyak::Opmask(i));
  }
}

// Whether anything above the low 16 bytes of the first 16 registers is not zero.
void ThunkEmitter::JumpIfUppersInUse(const Label& in_use) {
  const size_t end = has_avx512_ ? 64 : 32;
  vpxor(xmm0, xmm0, xmm0);
  for (int i = 0; i < 16; ++i) {
    for (size_t part = 16; part < end; part += 16) {
      putSeg(gs);
      vpor(xmm0, xmm0, At(ZmmOffset(static_cast<size_t>(i)) + part));
    }
  }
  vptest(xmm0, xmm0);
  jnz(in_use, T_NEAR);
}

// kScratch0: the code to run. Loads the guest's registers.
void ThunkEmitter::EmitResume() {
  L(resume_);
  LoadVectors();
  LoadContext(rsp, offsetof(VcpuContext, shadow_rsp));
  MoveGprs(false);
  jmp(kScratch0);
}

void ThunkEmitter::EmitEnter() {
  thunks_.enter = reinterpret_cast<void (*)(VcpuContext*, const u8*)>(
      reinterpret_cast<u64>(ToExecutable(Here())));
  for (const Reg64& reg : {rbx, rbp, r12, r13, r14, r15}) {
    push(reg);
  }
  sub(rsp, 8);  // aligned for calls
  StoreContext(offsetof(VcpuContext, host_rsp), rsp);
  mov(kScratch0, rsi);
  EmitResume();
  L(leave_);
  add(rsp, 8);
  for (const Reg64& reg : {r15, r14, r13, r12, rbp, rbx}) {
    pop(reg);
  }
  ret();
}

// Saves the guest's registers, calls handler(engine, kScratch0, kScratch1), goes where it says.
const u8* ThunkEmitter::EmitCall(Handler handler) {
  const u8* const start = Here();
  MoveGprs(true);
  StoreContext(offsetof(VcpuContext, shadow_rsp), rsp);
  LoadContext(rsp, offsetof(VcpuContext, host_rsp));
  SaveVectors();
  LoadContext(rdi, offsetof(VcpuContext, engine));
  mov(rsi, kScratch0);
  mov(rdx, kScratch1);
  mov(rax, reinterpret_cast<u64>(handler));
  call(rax);
  test(rax, rax);
  jz(leave_, T_NEAR);
  mov(kScratch0, rax);
  jmp(resume_, T_NEAR);
  return start;
}

// Called, with a record behind the call: its address is kScratch1 for the handler.
const u8* ThunkEmitter::EmitCallWithRecord(Handler handler) {
  const u8* const call_handler = EmitCall(handler);
  const u8* const start = Here();
  pop(kScratch1);
  jmp(call_handler);
  return start;
}

const u8* ThunkEmitter::EmitBranchMiss() {
  thunks_.branch = EmitCall(handlers_.branch);
  const u8* const start = Here();
  putSeg(gs);
  xor_(kScratch0, At(offsetof(VcpuContext, branch_salt)));
  jmp(thunks_.branch);
  return start;
}

// As Emitter::LookUpBranch, for the rare ways to a RIP.
const u8* ThunkEmitter::EmitFindBranch() {
  Label miss;
  const u8* const start = Here();
  putSeg(gs);
  cmp(dword[Xbyak::RegExp(offsetof(VcpuContext, attention))], 0);
  jne(thunks_.branch);
  StoreContext(Spill(0), kScratch1);
  CompareBranch();
  jne(miss, T_NEAR);
  TakeBranchPage();
  putSeg(gs);
  jmp(BranchCode());
  L(miss);
  LoadContext(kScratch1, Spill(0));
  jmp(thunks_.branch_miss);
  return start;
}

const u8* ThunkEmitter::EmitUnderflow() {
  const u8* const start = Here();
  LoadContext(rsp, offsetof(VcpuContext, shadow_base));
  jmp(thunks_.find_branch);
  return start;
}

// kScratch0: linear address, kScratch1: MissRecord. Answers from the vCPU's TLB, or asks C++; the
// caller then tries again. Three of the guest's registers are put aside.
const u8* ThunkEmitter::EmitMiss(unsigned bank, bool write) {
  Label slow;
  const u8* const ask = EmitCall(handlers_.miss);
  const u8* const start = Here();
  const size_t tlb = offsetof(VcpuContext, tlb.banks) + bank * sizeof(cpu::TlbBank);
  const size_t micro = offsetof(VcpuContext, micro) +
                       (bank * 2 + write) * kMicroSlots * sizeof(MicroEntry);
  StoreContext(Spill(0), rax);
  StoreContext(Spill(1), rcx);
  StoreContext(Spill(2), rdx);
  // The tag of the page of the last byte.
  mov(ecx, kScratch1.cvt32());
  and_(ecx, 15);
  mov(edx, 1);
  shl(edx, cl);
  mov(rcx, kScratch1);
  shr(rcx, MissRecord::kExcessShift);
  sub(edx, ecx);
  lea(rdx, ptr[kScratch0 + rdx - 1]);
  and_(rdx, -4096);
  putSeg(gs);
  or_(rdx, At(offsetof(VcpuContext, tlb.generations) + 8 * bank));
  mov(rax, kScratch0);
  shr(rax, 12);
  and_(eax, cpu::kTlbEntries - 1);
  shl(eax, 5);
  putSeg(gs);
  cmp(rdx, At(rax, tlb + (write ? offsetof(cpu::TlbEntry, write_tag)
                                : offsetof(cpu::TlbEntry, read_tag))));
  jne(slow, T_NEAR);
  LoadIndexed(rdx, rax, tlb + offsetof(cpu::TlbEntry, addend));
  // The slot. Now and then C++ is asked all the same: it knows of runs longer than a page.
  mov(ecx, kScratch1.cvt32());
  shr(ecx, MissRecord::kSlotShift);
  and_(ecx, kMicroSlots - 1);
  shl(ecx, 7);
  LoadIndexed(rax, rcx, micro + offsetof(MicroEntry, misses));
  inc(rax);
  StoreIndexed(rcx, micro + offsetof(MicroEntry, misses), rax);
  test(al, kAskEvery - 1);
  jz(slow, T_NEAR);
  FillSlot(bank, micro);
  LoadContext(rax, Spill(0));
  LoadContext(rcx, Spill(1));
  LoadContext(rdx, Spill(2));
  ret();
  L(slow);
  LoadContext(rax, Spill(0));
  LoadContext(rcx, Spill(1));
  LoadContext(rdx, Spill(2));
  putSeg(gs);
  pop(qword[Xbyak::RegExp(Spill(3))]);
  jmp(ask);
  return start;
}

// rcx: the slot's offset, rdx: the addend of kScratch0's page.
void ThunkEmitter::FillSlot(unsigned bank, size_t micro) {
  Label is_known;
  mov(rax, kScratch0);
  shr(eax, 12);
  and_(eax, cpu::kTlbEntries - 1);
  putSeg(gs);
  bt(qword[Xbyak::RegExp(offsetof(VcpuContext, tlb.local_slots) +
                         bank * (cpu::kTlbEntries / 8))],
     rax);
  setc(al);
  movzx(eax, al);
  StoreIndexed(rcx, micro + offsetof(MicroEntry, is_local), eax);
  const auto known = [&](size_t field) { return micro + field; };
  putSeg(gs);
  cmp(dword[rcx + known(offsetof(MicroEntry, base)) + 4], static_cast<u32>(kNoBase >> 32));
  jne(is_known, T_NEAR);
  // Note the slot as used: its index within all of micro.
  putSeg(gs);
  mov(eax, dword[Xbyak::RegExp(offsetof(VcpuContext, micro_used_count))]);
  putSeg(gs);
  inc(dword[Xbyak::RegExp(offsetof(VcpuContext, micro_used_count))]);
  mov(kScratch1, rcx);
  shr(kScratch1, 7);
  add(kScratch1, static_cast<u32>((micro - offsetof(VcpuContext, micro)) / sizeof(MicroEntry)));
  putSeg(gs);
  mov(dword[rax * 4 + offsetof(VcpuContext, micro_used)], kScratch1.cvt32());
  L(is_known);
  mov(rax, kScratch0);
  and_(rax, -4096);
  StoreIndexed(rcx, known(offsetof(MicroEntry, base)), rax);
  StoreIndexed(rcx, known(offsetof(MicroEntry, addend)), rdx);
  add(rax, rdx);
  StoreIndexed(rcx, known(offsetof(MicroEntry, host)), rax);
  for (unsigned i = 0; i < kSpanClasses; ++i) {
    putSeg(gs);
    mov(qword[rcx + known(offsetof(MicroEntry, limit)) + 8 * i], 4096 - (1 << i));
  }
}

Thunks ThunkEmitter::Emit() {
  EmitEnter();
  thunks_.interpret = EmitCall(handlers_.interpret);
  thunks_.poll = EmitCall(handlers_.poll);
  thunks_.verify = EmitCall(handlers_.verify);
  thunks_.call_out = EmitCall(handlers_.call_out);
  thunks_.execute = EmitCall(handlers_.execute);
  thunks_.load_x87 = EmitCall(handlers_.load_x87);
  thunks_.load_vectors = EmitCall(handlers_.load_vectors);
  thunks_.link = EmitCallWithRecord(handlers_.link);
  thunks_.entered = EmitCallWithRecord(handlers_.entered);
  thunks_.branch_miss = EmitBranchMiss();
  thunks_.find_branch = EmitFindBranch();
  thunks_.return_underflow = ToExecutable(EmitUnderflow());
  for (unsigned bank = 0; bank < kMicroBanks; ++bank) {
    thunks_.miss[bank] = {EmitMiss(bank, false), EmitMiss(bank, true)};
  }
  align(4096);
  thunks_.size = getSize();
  return thunks_;
}

}  // namespace

Thunks EmitThunks(u8* writable, const u8* executable, size_t size, const Handlers& handlers,
                  bool has_avx512) {
  return ThunkEmitter(writable, executable, size, handlers, has_avx512).Emit();
}

}  // namespace tandem::jit
