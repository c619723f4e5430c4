#pragma once

#include <xbyak/xbyak.h>

#include "jit/context/context.h"

namespace tandem::jit {

// Host registers of translated code. Guest RAX to R13 are in the host registers of the same name
// but for those in kMemoryRegisters and RSP, whose place the host's own stack pointer has.
inline const Xbyak::Reg64 kScratch0 = Xbyak::util::r11;
inline const Xbyak::Reg64 kScratch1 = Xbyak::util::r14;
inline const Xbyak::Reg64 kGuestRsp = Xbyak::util::r15;
// Free outside 64-bit mode, where there are eight guest registers.
inline const Xbyak::Reg64 kScratch32 = Xbyak::util::r8;

constexpr u8 HostRegister(u8 guest_register) {
  return guest_register == cpu::kRsp ? 15 : guest_register;
}

constexpr size_t GprOffset(size_t guest_register) {
  return offsetof(VcpuContext, state.gpr) + 8 * guest_register;
}

// xbyak with the vCPU's context as GS-relative memory. Writes into the code space in place.
class Assembler : public Xbyak::CodeGenerator {
 public:
  // [start, start + size) is the writable mapping of the whole code space.
  Assembler(u8* start, size_t size) : CodeGenerator(size, start) {}

  void MoveTo(const u8* at) { setSize(static_cast<size_t>(at - getCode())); }

  static Xbyak::Address At(size_t offset) { return Xbyak::util::ptr[Xbyak::RegExp(offset)]; }
  static Xbyak::Address At(const Xbyak::Reg64& index, size_t offset) {
    return Xbyak::util::ptr[index + offset];
  }

  void LoadContext(const Xbyak::Reg& to, size_t offset) {
    putSeg(gs);
    mov(to, At(offset));
  }
  void StoreContext(size_t offset, const Xbyak::Reg& from) {
    putSeg(gs);
    mov(At(offset), from);
  }
  void LoadIndexed(const Xbyak::Reg& to, const Xbyak::Reg64& index, size_t offset) {
    putSeg(gs);
    mov(to, At(index, offset));
  }
  void StoreIndexed(const Xbyak::Reg64& index, size_t offset, const Xbyak::Reg& from) {
    putSeg(gs);
    mov(At(index, offset), from);
  }

  // The flags that LAHF and SETO see, into context and back. Back needs a register.
  void SaveFlags(const Xbyak::Reg64& scratch);
  void RestoreFlags(const Xbyak::Reg64& scratch);

  // The search in VcpuContext::branches for the RIP in kScratch0, which becomes the tag; equal: it is
  // there, and kScratch1 says where for the other two.
  void CompareBranch();
  void TakeBranchPage();  // into VcpuContext::pc_base
  static Xbyak::Address BranchCode();  // GS-relative: where the code's address lies
};

}  // namespace tandem::jit
