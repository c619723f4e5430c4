#include <bit>

#include "base/bits.h"
#include "jit/analysis/register_homes.h"
#include "jit/x64/emitter.h"

// From guest addresses to host addresses: one compare against a cached run of plain memory. All here
// uses kScratch0, and outside 64-bit mode kScratch1 and kScratch32 as well.
namespace tandem::jit {

static_assert(kMaxGroupSpan <= kMaxSpan, "a group needs a limit of its span");

using Xbyak::Label;
using Xbyak::Reg64;
using Xbyak::RegExp;

namespace {

bool HasCheckToEnd(const AccessPlan& plan) {
  return plan.form == AccessForm::kBase && !std::has_single_bit(plan.check_size);
}

}  // namespace

// One slot serves all of a stack; the others are spread, as each holds one run only.
u16 Emitter::SlotOf(const AccessPlan& plan) const {
  if (plan.form == AccessForm::kBase && plan.base == cpu::kRsp) {
    return kStackSlot;
  }
  return static_cast<u16>(1 + (request_->slot_seed + plan.slot_class * 13u) % (kMicroSlots - 1));
}

size_t Emitter::MicroOffset(const AccessPlan& plan) const {
  const size_t table = unit_->mode.bank * 2u + plan.uses_write_run();
  return offsetof(VcpuContext, micro) +
         (table * kMicroSlots + SlotOf(plan)) * sizeof(MicroEntry);
}

// The host address of an access, checked unless its group is already. Afterwards EFLAGS are free
// where a check was made.
HostMem Emitter::Address(size_t i, const AccessPlan& plan) {
  if (plan.leader == nullptr) {
    Check(i, plan);
  }
  const size_t micro = MicroOffset(plan);
  const cpu::MemoryOperand& mem = unit_->insts[i].inst.mem;
  if (plan.form == AccessForm::kAny) {
    putSeg(gs);
    add(kScratch0, At(micro + offsetof(MicroEntry, host)));
    return {static_cast<u8>(kScratch0.getIdx())};
  }
  const auto base = static_cast<u8>(
      HostRegister(plan.form == AccessForm::kBase ? plan.base : mem.base));
  if (plan.form == AccessForm::kBase && !Is64()) {
    lea(kScratch0.cvt32(), ptr[Reg64(base) + plan.offset]);
    LoadContext(kScratch32, micro + offsetof(MicroEntry, addend));
    return {static_cast<u8>(kScratch0.getIdx()), static_cast<u8>(kScratch32.getIdx())};
  }
  LoadContext(kScratch0, micro + offsetof(MicroEntry, addend));
  if (plan.form == AccessForm::kBase) {
    return {base, static_cast<u8>(kScratch0.getIdx()), 0, plan.offset};
  }
  lea(kScratch0, ptr[kScratch0 + Reg64(base)]);
  if (mem.index == cpu::kNoRegister) {
    return {static_cast<u8>(kScratch0.getIdx()), kNoIndex, 0, static_cast<i32>(mem.displacement)};
  }
  return {static_cast<u8>(kScratch0.getIdx()), HostRegister(mem.index), mem.scale,
          static_cast<i32>(mem.displacement)};
}

MissRecord Emitter::MissOf(size_t i, const AccessPlan& plan) const {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const bool is_operand = &plan == &accesses_[i].memory;
  return {.page_offset = unit_->insts[i].offset,
          .span_class = static_cast<u8>(SpanClass(plan.check_size)),
          .slot = SlotOf(plan),
          .is_group = plan.is_group,
          .is_write = plan.uses_write_run(),
          .size = static_cast<u16>(HasCheckToEnd(plan) ? plan.check_size
                                                   : 1u << SpanClass(plan.check_size)),
          .own_offset = static_cast<u16>(plan.offset - plan.check_offset),
          .own_write = is_operand ? MemoryOperandOf(inst)->is_written
                                  : (inst.op == cpu::Op::kPush || inst.op == cpu::Op::kPushf ||
                                     inst.op == cpu::Op::kCall),
          .is_simple = inst.op != cpu::Op::kHost && inst.alignment == 0 &&
                       inst.host_class == cpu::HostClass::kNone};
}

void Emitter::Check(size_t i, const AccessPlan& plan) {
  FreeHostFlags(LiveBefore(i));
  const size_t micro = MicroOffset(plan);
  const unsigned span = SpanClass(plan.check_size);
  auto again = std::make_shared<Label>();
  auto miss = std::make_shared<Label>();
  auto done = std::make_shared<Label>();
  if (plan.form == AccessForm::kAny) {
    EmitLimitCheck(unit_->insts[i]);
  }
  L(*again);
  EmitLinear(i, plan);
  putSeg(gs);
  sub(kScratch0, At(micro + offsetof(MicroEntry, base)));
  putSeg(gs);
  cmp(kScratch0, At(micro + offsetof(MicroEntry, limit) + 8 * span));
  ja(*miss, T_NEAR);
  L(*done);
  const MissRecord record = MissOf(i, plan);
  const u8* const thunk = thunks_.miss[unit_->mode.bank][plan.uses_write_run()];
  Later([this, i, &plan, again, miss, done, record, thunk] {
    L(*miss);
    if (HasCheckToEnd(plan)) {
      EmitCheckToEnd(plan);
      jbe(*done, T_NEAR);
    }
    EmitLinear(i, plan);
    mov(kScratch1, record.Pack());
    call(thunk);
    jmp(*again, T_NEAR);
  });
}

// The span was rounded up, behind its end. What stands at the end of a page, as much does on kernel
// stacks, passes if it is rounded up before its start.
void Emitter::EmitCheckToEnd(const AccessPlan& plan) {
  const unsigned span = SpanClass(plan.check_size);
  const size_t micro = MicroOffset(plan);
  const i32 excess = static_cast<i32>((1u << span) - plan.check_size);
  lea(Word(kScratch0), ptr[Reg64(HostRegister(plan.base)) + (plan.check_offset - excess)]);
  putSeg(gs);
  sub(kScratch0, At(micro + offsetof(MicroEntry, base)));
  putSeg(gs);
  cmp(kScratch0, At(micro + offsetof(MicroEntry, limit) + 8 * span));
}

// The linear address that is checked, into kScratch0.
void Emitter::EmitLinear(size_t i, const AccessPlan& plan) {
  if (plan.form != AccessForm::kBase) {
    EmitLinearOf(unit_->insts[i]);
    return;
  }
  const Reg64 base(HostRegister(plan.base));
  if (plan.check_offset == 0 && Is64()) {
    mov(kScratch0, base);
  } else {
    lea(Word(kScratch0), ptr[base + plan.check_offset]);
  }
}

void Emitter::EmitLinearOf(const UnitInst& unit_inst) {
  EmitOffset(unit_inst, kScratch0);
  const auto segment = static_cast<size_t>(unit_inst.inst.mem.segment);
  if (Bit(unit_->mode.based_segments, static_cast<unsigned>(segment))) {
    putSeg(gs);
    add(Word(kScratch0), At(offsetof(VcpuContext, segment_base) + 8 * segment));
  }
}

// Base, index and displacement, cut to the address size; leaves EFLAGS alone.
void Emitter::EmitOffset(const UnitInst& unit_inst, const Reg64& to) {
  const cpu::MemoryOperand& mem = unit_inst.inst.mem;
  const bool is_small = mem.displacement == static_cast<i32>(mem.displacement);
  if (mem.base == cpu::kRipRegister) {
    LoadRip(to, i64{unit_inst.next()} + mem.displacement);
  } else if (mem.base == cpu::kNoRegister && mem.index == cpu::kNoRegister) {
    mov(to, static_cast<u64>(mem.displacement));
  } else {
    RegExp address(is_small ? static_cast<size_t>(mem.displacement) : 0);
    if (mem.base != cpu::kNoRegister) {
      address = address + GuestOr(mem.base, to);
    }
    if (mem.index != cpu::kNoRegister) {
      const Reg64& scratch = mem.base != cpu::kNoRegister && LivesInMemory(mem.base) && Is64()
                                 ? kScratch1
                                 : to;
      address = address + GuestOr(mem.index, scratch) * (1 << mem.scale);
    }
    lea(Sized(to, mem.address_size == 8 ? 8 : 4), ptr[address]);
  }
  if (mem.address_size == 4) {
    mov(to.cvt32(), to.cvt32());
  } else if (mem.address_size == 2) {
    movzx(to.cvt32(), to.cvt16());
  }
}

void Emitter::EmitLimitCheck(const UnitInst& unit_inst) {
  const auto segment = static_cast<size_t>(unit_inst.inst.mem.segment);
  if (!Bit(unit_->mode.limited_segments, static_cast<unsigned>(segment))) {
    return;
  }
  auto beyond = std::make_shared<Label>();
  EmitOffset(unit_inst, kScratch0);
  LoadContext(kScratch32.cvt32(), offsetof(VcpuContext, state.seg) +
                                      segment * sizeof(cpu::Segment) +
                                      offsetof(cpu::Segment, limit));
  lea(kScratch1, ptr[kScratch0 + (MemoryOperandOf(unit_inst.inst)->size - 1)]);
  cmp(kScratch1, kScratch32);
  ja(*beyond, T_NEAR);
  Later([this, beyond, offset = unit_inst.offset] {
    L(*beyond);
    mov(kScratch0.cvt32(), offset);
    jmp(thunks_.interpret);
  });
}

Xbyak::Address Emitter::Mem(const HostMem& mem, unsigned bytes) const {
  RegExp address = RegExp(Reg64(mem.base)) + mem.displacement;
  if (mem.index != kNoIndex) {
    address = RegExp(Reg64(mem.base)) + Reg64(mem.index) * (1 << mem.scale) + mem.displacement;
  }
  return Xbyak::Address(bytes * 8, false, address);
}

}  // namespace tandem::jit
