#include "jit/x64/emitter.h"

// PUSH, POP, LEAVE. Faults leave RSP alone: it moves last.
namespace tandem::jit {

using Xbyak::Reg64;

constexpr size_t kKeptValue = offsetof(VcpuContext, spill) + 32;

void Emitter::MoveStackPointer(i32 by) {
  WithMemory(kLoadAddress, Word(kGuestRsp), AtHost(kGuestRsp, by));
}

void Emitter::EmitPush(size_t i) {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const cpu::Operand& operand = inst.operands[0];
  const unsigned bytes = inst.operand_size;
  if (operand.kind == cpu::OperandKind::kImmediate) {
    const HostMem mem = Address(i, accesses_[i].stack);
    mov(Mem(mem, bytes), inst.immediate);  // sign-extended
    MoveStackPointer(-static_cast<i32>(bytes));
    return;
  }
  if (operand.IsMemory()) {
    const HostMem mem = Address(i, accesses_[i].memory);
    // The check of the stack may call a thunk, which leaves kScratch1 undefined.
    WithMemory(kLoad, Sized(Scratch1(), bytes), mem);
    StoreContext(kKeptValue, Scratch1());
    const HostMem stack = Address(i, accesses_[i].stack);
    LoadContext(Scratch1(), kKeptValue);
    WithMemory(kStore, Sized(Scratch1(), bytes), stack);
    MoveStackPointer(-static_cast<i32>(bytes));
    return;
  }
  const HostMem mem = Address(i, accesses_[i].stack);
  WithMemory(kStore, Sized(GuestOr(operand.reg, Scratch1()), bytes), mem);
  MoveStackPointer(-static_cast<i32>(bytes));
}

void Emitter::EmitPop(size_t i) {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const u8 guest = inst.operands[0].reg;
  const unsigned bytes = inst.operand_size;
  const HostMem mem = Address(i, accesses_[i].stack);
  if (!InMemory(guest)) {
    WithMemory(kLoad, Sized(HostOf(guest), bytes), mem);
  } else {
    LoadGuest(Scratch1(), guest);
    WithMemory(kLoad, Sized(Scratch1(), bytes), mem);
    StoreGuest(guest, Scratch1());
  }
  if (guest != cpu::kRsp) {  // what is popped stands
    MoveStackPointer(static_cast<i32>(bytes));
  }
}

void Emitter::EmitLeave(size_t i) {
  const unsigned bytes = unit_->mode.code_bits / 8;
  const HostMem mem = Address(i, accesses_[i].stack);
  lea(Sized(kGuestRsp, bytes), ptr[rbp + bytes]);
  WithMemory(kLoad, Sized(rbp, bytes), mem);
}

}  // namespace tandem::jit
