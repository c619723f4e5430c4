#include <bit>

#include "base/bits.h"
#include "jit/x64/emitter.h"

// From guest addresses to host addresses: one compare against a cached run of plain memory. All here
// uses kScratch0, and outside 64-bit mode kScratch1 and kScratch32 as well.
namespace tandem::jit {

static_assert(kMaxGroupSpan <= kMaxSpan, "a group needs a limit of its span");

using Xbyak::Reg64;
using Xbyak::RegExp;

namespace {

bool HasCheckToEnd(const AccessPlan& plan) {
  return plan.form == AccessForm::kBase && !plan.asks_tlb && !std::has_single_bit(plan.check_size);
}

}  // namespace

// Outside of regions one slot serves all of a stack; the others are spread, as each holds one run
// only.
u16 Emitter::SlotOf(const AccessPlan& plan) const {
  if (unit_->is_region) {
    const u32 slot = request_->slot_seed + plan.slot_class;
    return static_cast<u16>(kStraightSlots + slot % (kMicroSlots - kStraightSlots));
  }
  if (plan.form == AccessForm::kBase && plan.base == cpu::kRsp) {
    return kStackSlot;
  }
  return static_cast<u16>(1 + (request_->slot_seed + plan.slot_class * 13u) % (kStraightSlots - 1));
}

size_t Emitter::MicroOffset(const AccessPlan& plan) const {
  const size_t table = unit_->mode.bank * 2u + plan.uses_write_run();
  return offsetof(VcpuContext, micro) +
         (table * kMicroSlots + SlotOf(plan)) * sizeof(MicroEntry);
}

// Where the addend of a checked access lies.
size_t Emitter::AddendOffset(const AccessPlan& plan) const {
  const AccessPlan& leader = plan.leader != nullptr ? *plan.leader : plan;
  return leader.asks_tlb ? offsetof(VcpuContext, group_addends) + 8 * (2 * SlotOf(plan) + leader.is_write)
                         : MicroOffset(plan) + offsetof(MicroEntry, addend);
}

// The host address of an access, checked unless its group is already. Afterwards EFLAGS are free
// where a check was made.
HostMem Emitter::Address(size_t i, const AccessPlan& plan) {
  if (fast_ != nullptr) {
    return FastAddress(i, plan);
  }
  if (plan.leader == nullptr) {
    Check(i, plan);
  }
  const cpu::MemoryOperand& mem = unit_->insts[i].inst.mem;
  if (plan.form == AccessForm::kAny) {
    return AnyAddress(i, plan);
  }
  if (plan.form == AccessForm::kBase && !Is64()) {
    WithMemory(kLoadAddress, kScratch0.cvt32(), AtHost(HostOf(plan.base), plan.offset));
    LoadContext(kScratch32, AddendOffset(plan));
    return {static_cast<u8>(kScratch0.getIdx()), static_cast<u8>(kScratch32.getIdx())};
  }
  if (KeepsAddend(i, plan)) {
    BringAddend(AddendOffset(plan));
    return AddressWith(kScratch1, plan, mem);
  }
  if (!plan.asks_tlb) {
    LoadContext(kScratch0, AddendOffset(plan));
  }
  return AddressWith(kScratch0, plan, mem);
}

// Whether the addend goes to kScratch1, where others of the group find it. That matters most where a
// mispredicted branch lies between: what comes behind does not wait for it then.
bool Emitter::KeepsAddend(size_t i, const AccessPlan& plan) const {
  return unit_->insts[i].treatment == Treatment::kCopy && Is64() && !plan.asks_tlb &&
         plan.form == AccessForm::kBase;
}

void Emitter::BringAddend(size_t offset) {
  if (form_.kept != offset) {
    LoadContext(kScratch1, offset);
    form_.kept = offset;
  }
}

// What those who come to a leader have in kScratch1.
void Emitter::BringKept(size_t leader) {
  if (const AccessPlan* const plan = accesses_[leader].kept) {
    BringAddend(AddendOffset(*plan));
  }
}

// In 64-bit mode, of AccessForm::kBase or kIndexed.
HostMem Emitter::AddressWith(const Reg64& addend, const AccessPlan& plan,
                             const cpu::MemoryOperand& mem) {
  u8 base = static_cast<u8>(addend.getIdx());
  if (plan.form == AccessForm::kBase) {
    return {static_cast<u8>(HostOf(plan.base).getIdx()), base, 0, plan.offset};
  }
  if (mem.base != cpu::kNoRegister) {
    WithMemory(kLoadAddress, kScratch0, {base, static_cast<u8>(HostOf(mem.base).getIdx())});
    base = static_cast<u8>(kScratch0.getIdx());
  }
  return {base, static_cast<u8>(HostOf(mem.index).getIdx()), mem.scale,
          static_cast<i32>(mem.displacement)};
}

// Of a checked access whose address was in kScratch0.
HostMem Emitter::AnyAddress(size_t i, const AccessPlan& plan) {
  if (plan.asks_tlb) {
    EmitLinearOf(unit_->insts[i]);
    WithRegister(kAdd, kScratch0, Scratch1());
  } else {
    WithContext(kAdd, kScratch0, MicroOffset(plan) + offsetof(MicroEntry, host));
  }
  return {static_cast<u8>(kScratch0.getIdx())};
}

MissRecord Emitter::MissOf(size_t i, const AccessPlan& plan) const {
  const cpu::Inst& inst = unit_->insts[i].inst;
  const bool is_operand = &plan == &accesses_[i].memory;
  const unsigned span = SpanClass(plan.check_size);
  const bool has_exact_size = plan.asks_tlb || HasCheckToEnd(plan);
  return {.site = {unit_->insts[i].offset, form_.homes},
          .span_class = static_cast<u8>(span),
          .slot = SlotOf(plan),
          .is_group = plan.is_group,
          .is_write = plan.uses_write_run(),
          .asks_tlb = plan.asks_tlb,
          .is_stack = !is_operand,
          .size = static_cast<u16>(has_exact_size ? plan.check_size : 1u << span),
          .own_offset = static_cast<u16>(plan.offset - plan.check_offset),
          .own_write = is_operand ? MemoryOperandOf(inst)->is_written
                                  : (inst.op == cpu::Op::kPush || inst.op == cpu::Op::kPushf ||
                                     inst.op == cpu::Op::kCall),
          .is_simple = inst.op != cpu::Op::kHost && inst.op != cpu::Op::kCmpxchg16b &&
                       inst.alignment == 0 &&
                       inst.host_class == cpu::HostClass::kNone};
}

void Emitter::Check(size_t i, const AccessPlan& plan) {
  FreeHostFlags(live_[i].before);
  if (plan.form == AccessForm::kAny) {
    EmitLimitCheck(unit_->insts[i]);
  }
  if (form_.kept == AddendOffset(plan)) {
    form_.kept = 0;  // it may be another one behind the check
  }
  Count(CounterOf(plan, false));
  const size_t again = getSize();
  EmitLinear(i, plan);
  plan.asks_tlb ? CompareWithTlb(plan) : CompareWithRun(plan);
  const size_t miss = JumpIf(plan.asks_tlb ? kNotEqual : kAbove);
  const size_t done = getSize();
  if (plan.asks_tlb) {
    TakeTlbAddend(plan);
  }
  Later([this, i, &plan, again, miss, done, form = form_] {
    form_ = form;
    Land(miss);
    EmitMiss(i, plan, again, done);
  });
}

void Emitter::TakeTlbAddend(const AccessPlan& plan) {
  LoadIndexed(plan.form == AccessForm::kAny ? Scratch1() : kScratch0, Scratch1(),
              TlbOffset() + offsetof(cpu::TlbEntry, addend));
  if (plan.is_group) {  // for the others of the group
    StoreContext(AddendOffset(plan), kScratch0);
  }
}

// Where a check failed. again, done: positions of the check and of what is behind it.
void Emitter::EmitMiss(size_t i, const AccessPlan& plan, size_t again, size_t done) {
  if (HasCheckToEnd(plan)) {
    EmitCheckToEnd(plan);
    Land(JumpIf(kBelowOrEqual), done);
  }
  Count(CounterOf(plan, true));
  EmitLinear(i, plan);
  LoadConstant(kScratch1, MissOf(i, plan).Pack());
  CallTo(thunks_.miss[unit_->mode.bank][plan.uses_write_run()]);
  if (form_.kept != 0) {
    LoadContext(kScratch1, form_.kept);
  }
  Land(Jump(), again);
}

// The span was rounded up, behind its end. What stands at the end of a page, as much does on kernel
// stacks, passes if it is rounded up before its start.
void Emitter::EmitCheckToEnd(const AccessPlan& plan) {
  const i32 excess = static_cast<i32>((1u << SpanClass(plan.check_size)) - plan.check_size);
  WithMemory(kLoadAddress, Word(kScratch0), AtHost(HostOf(plan.base), plan.check_offset - excess));
  CompareWithRun(plan);
}

// kScratch0: the linear address. Above: it is not in the run.
void Emitter::CompareWithRun(const AccessPlan& plan) {
  const size_t micro = MicroOffset(plan);
  WithContext(kSub, kScratch0, micro + offsetof(MicroEntry, base));
  WithContext(kCompare, kScratch0,
              micro + offsetof(MicroEntry, limit) + 8 * SpanClass(plan.check_size));
}

size_t Emitter::CounterOf(const AccessPlan& plan, bool is_miss) const {
  const size_t checks =
      plan.asks_tlb ? offsetof(CheckCounts, tlb) : offsetof(CheckCounts, runs);
  return offsetof(VcpuContext, check_counts) + unit_->mode.bank * sizeof(CheckCounts) + checks +
         (is_miss ? sizeof(u64) : 0);
}

size_t Emitter::TlbOffset() const {
  return offsetof(VcpuContext, tlb.banks) + unit_->mode.bank * sizeof(cpu::TlbBank);
}

// kScratch0: the linear address. Not equal: its page is not in the TLB, or it goes on in the next.
// kScratch1: where the entry lies from TlbOffset().
void Emitter::CompareWithTlb(const AccessPlan& plan) {
  static_assert(sizeof(cpu::TlbEntry) == 32);
  Copy(Scratch1(), kScratch0);
  shr(Scratch1(), 12 - 5);
  and_(Scratch1().cvt32(), (cpu::kTlbEntries - 1) << 5);
  if (plan.check_size > 1) {
    WithMemory(kLoadAddress, kScratch0, AtHost(kScratch0, static_cast<i32>(plan.check_size - 1)));
  }
  and_(kScratch0, -4096);
  WithContext(kOr, kScratch0, offsetof(VcpuContext, tlb.generations) + 8 * unit_->mode.bank);
  const size_t tag =
      plan.is_write ? offsetof(cpu::TlbEntry, write_tag) : offsetof(cpu::TlbEntry, read_tag);
  WithIndexed(kCompare, kScratch0, Scratch1(), TlbOffset() + tag);
}

// The linear address that is checked, into kScratch0.
void Emitter::EmitLinear(size_t i, const AccessPlan& plan) {
  if (plan.form != AccessForm::kBase) {
    EmitLinearOf(unit_->insts[i]);
    return;
  }
  if (plan.check_offset == 0 && Is64()) {
    Copy(kScratch0, HostOf(plan.base));
  } else {
    WithMemory(kLoadAddress, Word(kScratch0), AtHost(HostOf(plan.base), plan.check_offset));
  }
}

void Emitter::EmitLinearOf(const UnitInst& unit_inst) {
  EmitOffset(unit_inst, kScratch0);
  const auto segment = static_cast<size_t>(unit_inst.inst.mem.segment);
  if (Bit(unit_->mode.based_segments, static_cast<unsigned>(segment))) {
    WithContext(kAdd, Word(kScratch0), offsetof(VcpuContext, segment_base) + 8 * segment);
  }
}

// Base, index and displacement, cut to the address size; leaves EFLAGS alone.
void Emitter::EmitOffset(const UnitInst& unit_inst, const Reg64& to) {
  const cpu::MemoryOperand& mem = unit_inst.inst.mem;
  if (mem.base == cpu::kRipRegister) {
    LoadRip(to, i64{unit_inst.next()} + mem.displacement);
  } else if (mem.base == cpu::kNoRegister && mem.index == cpu::kNoRegister) {
    LoadConstant(to, static_cast<u64>(mem.displacement));
  } else {
    EmitSum(mem, to);
  }
  if (mem.address_size == 4) {
    Copy(to.cvt32(), to.cvt32());
  } else if (mem.address_size == 2) {
    movzx(to.cvt32(), to.cvt16());
  }
}

void Emitter::EmitSum(const cpu::MemoryOperand& mem, const Reg64& to) {
  const Xbyak::Reg result = Sized(to, mem.address_size == 8 ? 8 : 4);
  const i32 displacement = static_cast<i32>(mem.displacement);
  if (mem.base == cpu::kNoRegister) {
    lea(result, ptr[GuestOr(mem.index, to) * (1 << mem.scale) + displacement]);
    return;
  }
  HostMem sum = AtHost(GuestOr(mem.base, to), displacement);
  if (mem.index != cpu::kNoRegister) {
    const Reg64& scratch = InMemory(mem.base) ? Scratch1() : to;
    sum.index = static_cast<u8>(GuestOr(mem.index, scratch).getIdx());
    sum.scale = mem.scale;
  }
  WithMemory(kLoadAddress, result, sum);
}

void Emitter::EmitLimitCheck(const UnitInst& unit_inst) {
  const auto segment = static_cast<size_t>(unit_inst.inst.mem.segment);
  if (!Bit(unit_->mode.limited_segments, static_cast<unsigned>(segment))) {
    return;
  }
  EmitOffset(unit_inst, kScratch0);
  LoadContext(kScratch32.cvt32(), offsetof(VcpuContext, state.seg) +
                                      segment * sizeof(cpu::Segment) +
                                      offsetof(cpu::Segment, limit));
  lea(Scratch1(), ptr[kScratch0 + (MemoryOperandOf(unit_inst.inst)->size - 1)]);
  cmp(Scratch1(), kScratch32);
  const size_t beyond = JumpIf(kAbove);
  Later([this, beyond, offset = unit_inst.offset, form = form_] {
    form_ = form;
    Land(beyond);
    SetSite(offset);
    JumpTo(thunks_.interpret);
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
