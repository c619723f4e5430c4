#include "jit/x64/assembler.h"

namespace tandem::jit {

void Assembler::SaveFlags(const Xbyak::Reg64& scratch) {
  mov(scratch, rax);
  lahf();
  seto(al);
  StoreContext(offsetof(VcpuContext, flags_ax), ax);
  mov(rax, scratch);
}

void Assembler::RestoreFlags(const Xbyak::Reg64& scratch) {
  mov(scratch, rax);
  putSeg(gs);
  movzx(eax, word[Xbyak::RegExp(offsetof(VcpuContext, flags_ax))]);
  add(al, 0x7f);  // OF
  sahf();
  mov(rax, scratch);
}

void Assembler::CompareBranch() {
  mov(kScratch1.cvt32(), kScratch0.cvt32());
  and_(kScratch1.cvt32(), kBranchEntries - 1);
  shl(kScratch1.cvt32(), 5);
  putSeg(gs);
  xor_(kScratch0, At(offsetof(VcpuContext, branch_salt)));
  putSeg(gs);
  cmp(kScratch0, At(kScratch1, offsetof(VcpuContext, branches) + offsetof(BranchEntry, tag)));
}

void Assembler::TakeBranchPage() {
  LoadIndexed(kScratch0, kScratch1,
              offsetof(VcpuContext, branches) + offsetof(BranchEntry, pc_base));
  StoreContext(offsetof(VcpuContext, pc_base), kScratch0);
}

Xbyak::Address Assembler::BranchCode() {
  return At(kScratch1, offsetof(VcpuContext, branches) + offsetof(BranchEntry, code));
}

}  // namespace tandem::jit
