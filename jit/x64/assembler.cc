#include "jit/x64/assembler.h"

#include <array>
#include <cstring>

namespace tandem::jit {

namespace {

constexpr u8 kRexW = 8, kRexR = 4, kRexB = 1;
constexpr u8 kGsPrefix = 0x65, kOperandSizePrefix = 0x66;

u8* Put32(u8* at, u32 value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

// All before the opcode, for a register and the REX bits of the other operand.
u8* PutPrefixes(u8* at, const Xbyak::Reg& reg, u8 other_rex) {
  if (reg.isREG(16)) {
    *at++ = kOperandSizePrefix;
  }
  const u8 rex = static_cast<u8>((reg.isREG(64) ? kRexW : 0) | (reg.getIdx() >= 8 ? kRexR : 0) | other_rex);
  if (rex != 0) {
    *at++ = static_cast<u8>(0x40 | rex);
  }
  return at;
}

u8 Middle(const Xbyak::Reg& reg) { return static_cast<u8>((reg.getIdx() & 7) << 3); }

}  // namespace

void Assembler::WithContext(Opcode opcode, const Xbyak::Reg& reg, size_t offset) {
  u8* at = here();
  *at++ = kGsPrefix;
  at = PutPrefixes(at, reg, 0);
  *at++ = opcode;
  *at++ = Middle(reg) | 4;
  *at++ = 0x25;  // SIB: neither base nor index
  EndAt(Put32(at, static_cast<u32>(offset)));
}

void Assembler::WithIndexed(Opcode opcode, const Xbyak::Reg& reg, const Xbyak::Reg64& index,
                            size_t offset) {
  u8* at = here();
  *at++ = kGsPrefix;
  const HostMem mem = AtHost(index, static_cast<i32>(offset));
  at = PutPrefixes(at, reg, mem.rex());
  *at++ = opcode;
  EndAt(PutMemory(at, static_cast<unsigned>(reg.getIdx()), mem));
}

void Assembler::WithMemory(Opcode opcode, const Xbyak::Reg& reg, const HostMem& mem) {
  u8* at = PutPrefixes(here(), reg, mem.rex());
  *at++ = opcode;
  EndAt(PutMemory(at, static_cast<unsigned>(reg.getIdx()), mem));
}

void Assembler::WithRegister(Opcode opcode, const Xbyak::Reg& reg, const Xbyak::Reg& other) {
  u8* at = PutPrefixes(here(), reg, other.getIdx() >= 8 ? kRexB : 0);
  *at++ = opcode;
  *at++ = static_cast<u8>(0xc0 | Middle(reg) | (other.getIdx() & 7));
  EndAt(at);
}

void Assembler::LoadConstant(const Xbyak::Reg64& to, u64 value) {
  const u8 rex = to.getIdx() >= 8 ? kRexB : 0;
  const bool is_small = value == static_cast<u32>(value);
  u8* at = here();
  *at++ = static_cast<u8>(0x40 | rex | (is_small ? 0 : kRexW));
  *at++ = static_cast<u8>(0xb8 | (to.getIdx() & 7));
  std::memcpy(at, &value, sizeof value);
  EndAt(at + (is_small ? 4 : 8));
}

size_t Assembler::LoadPosition(const Xbyak::Reg64& to) {
  u8* at = PutPrefixes(here(), to, 0);
  *at++ = kLoadAddress;
  *at++ = Middle(to) | 5;  // relative to RIP
  EndAt(at + 4);
  return getSize() - 4;
}

void Assembler::CompareAttention() {
  u8* at = here();
  constexpr std::array<u8, 4> kCompareByte = {kGsPrefix, 0x83, 0x3c, 0x25};
  std::memcpy(at, kCompareByte.data(), kCompareByte.size());
  at = Put32(at + kCompareByte.size(), offsetof(VcpuContext, attention));
  *at++ = 0;
  EndAt(at);
}

size_t Assembler::Jump() {
  u8* at = here();
  *at++ = kJumpOpcode;
  EndAt(at + 4);
  return getSize() - 4;
}

size_t Assembler::JumpIf(u8 condition) {
  u8* at = here();
  *at++ = 0x0f;
  *at++ = static_cast<u8>(0x80 | condition);
  EndAt(at + 4);
  return getSize() - 4;
}

void Assembler::Land(size_t rel32, size_t position) {
  Put32(top_ + rel32, static_cast<u32>(position - (rel32 + 4)));
}

void Assembler::Transfer(u8 opcode, const u8* target) {
  u8* at = here();
  *at++ = opcode;
  EndAt(Put32(at, static_cast<u32>(target - (at + 4))));
}

void Assembler::SaveFlags(const Xbyak::Reg64& scratch) {
  Copy(scratch, rax);
  lahf();
  seto(al);
  StoreContext(offsetof(VcpuContext, flags_ax), ax);
  Copy(rax, scratch);
}

void Assembler::RestoreFlags(const Xbyak::Reg64& scratch) {
  Copy(scratch, rax);
  putSeg(gs);
  movzx(eax, word[Xbyak::RegExp(offsetof(VcpuContext, flags_ax))]);
  add(al, 0x7f);  // OF
  sahf();
  Copy(rax, scratch);
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
