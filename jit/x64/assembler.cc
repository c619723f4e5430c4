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

}  // namespace tandem::jit
