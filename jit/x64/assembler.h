#pragma once

#include <xbyak/xbyak.h>

#include "jit/context/context.h"
#include "jit/x64/host_mem.h"

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

// Opcodes with ModRM, of operands of 2 to 8 bytes; the register is where the result goes, or what is
// stored.
enum Opcode : u8 {
  kAdd = 0x03,
  kOr = 0x0b,
  kSub = 0x2b,
  kXor = 0x33,
  kCompare = 0x3b,
  kStore = 0x89,
  kLoad = 0x8b,
  kLoadAddress = 0x8d,
};

// Of calls and jumps with a displacement of 32 bits.
inline constexpr u8 kCallOpcode = 0xe8, kJumpOpcode = 0xe9;

// As Jcc has them in its opcode.
enum Condition : u8 { kBelow = 2, kNotEqual = 5, kBelowOrEqual = 6, kAbove = 7 };

// xbyak with the vCPU's context as GS-relative memory, and short ways to what blocks consist of.
// Writes into the code space in place.
class Assembler : public Xbyak::CodeGenerator {
 public:
  // [start, start + size) is the writable mapping of the whole code space.
  Assembler(u8* start, size_t size) : CodeGenerator(size, start) {}

  void MoveTo(const u8* at) { setSize(static_cast<size_t>(at - getCode())); }

  static Xbyak::Address At(size_t offset) { return Xbyak::util::ptr[Xbyak::RegExp(offset)]; }
  static Xbyak::Address At(const Xbyak::Reg64& index, size_t offset) {
    return Xbyak::util::ptr[index + offset];
  }

  // An instruction on a register of 2 to 8 bytes and a field of the context, memory, or a register.
  void WithContext(Opcode opcode, const Xbyak::Reg& reg, size_t offset);
  void WithIndexed(Opcode opcode, const Xbyak::Reg& reg, const Xbyak::Reg64& index, size_t offset);
  void WithMemory(Opcode opcode, const Xbyak::Reg& reg, const HostMem& mem);
  void WithRegister(Opcode opcode, const Xbyak::Reg& reg, const Xbyak::Reg& other);

  void LoadContext(const Xbyak::Reg& to, size_t offset) { WithContext(kLoad, to, offset); }
  void StoreContext(size_t offset, const Xbyak::Reg& from) { WithContext(kStore, from, offset); }
  void LoadIndexed(const Xbyak::Reg& to, const Xbyak::Reg64& index, size_t offset) {
    WithIndexed(kLoad, to, index, offset);
  }
  void StoreIndexed(const Xbyak::Reg64& index, size_t offset, const Xbyak::Reg& from) {
    WithIndexed(kStore, from, index, offset);
  }
  // kLoad of a register, to another.
  void Copy(const Xbyak::Reg& to, const Xbyak::Reg& from) { WithRegister(kLoad, to, from); }
  void LoadConstant(const Xbyak::Reg64& to, u64 value);
  // The address of a position: returns where the displacement lies, for Land.
  size_t LoadPosition(const Xbyak::Reg64& to);
  // Not equal: somebody wants attention.
  void CompareAttention();

  // What lies at the value of a register.
  static HostMem AtHost(const Xbyak::Reg64& base, i32 displacement) {
    return {.base = static_cast<u8>(base.getIdx()), .displacement = displacement};
  }

  // Jumps and calls of 32-bit displacements. Those without a target return where the displacement lies,
  // for Land: the jump leads here, or to a position.
  size_t Jump();
  size_t JumpIf(u8 condition);
  void JumpTo(const u8* target) { Transfer(kJumpOpcode, target); }
  void CallTo(const u8* target) { Transfer(kCallOpcode, target); }
  void Land(size_t rel32) { Land(rel32, getSize()); }
  void Land(size_t rel32, size_t position);

  // The flags that LAHF and SETO see, into context and back. Back needs a register.
  void SaveFlags(const Xbyak::Reg64& scratch);
  void RestoreFlags(const Xbyak::Reg64& scratch);

  // The search in VcpuContext::branches for the RIP in kScratch0, which becomes the tag; equal: it is
  // there, and kScratch1 says where for the other two.
  void CompareBranch();
  void TakeBranchPage();  // into VcpuContext::pc_base
  static Xbyak::Address BranchCode();  // GS-relative: where the code's address lies

 protected:
  // Where code is written; callers know that there is room.
  u8* here() { return top_ + size_; }
  void EndAt(const u8* end) { size_ = static_cast<size_t>(end - top_); }

 private:
  void Transfer(u8 opcode, const u8* target);
};

}  // namespace tandem::jit
