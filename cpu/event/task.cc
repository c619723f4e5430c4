#include "cpu/event/task.h"

#include "base/bits.h"
#include "cpu/event/stack_frame.h"
#include "cpu/event/task_state.h"

namespace tandem::cpu {
namespace {

constexpr u64 kDr6TaskSwitch = 1u << 15;
constexpr u64 kDr7LocalEnables = 0x155;
constexpr u8 kBusy = 2;

struct Switch {
  TaskSwitchSource source;
  u32 ext;
  u16 selector;
  Descriptor descriptor;

  // JMP and IRET leave the old task for good; CALL and interrupts nest.
  bool Nests() const {
    return source == TaskSwitchSource::kCall || source == TaskSwitchSource::kInterrupt;
  }
  bool Returns() const { return source == TaskSwitchSource::kReturn; }
};

Fault CheckNewTss(Context& context, Switch& plan) {
  const Vector vector = plan.Returns() ? Vector::kTs : Vector::kGp;
  if ((plan.selector & 4) != 0 || IsNullSelector(plan.selector)) {
    return SelectorFault(vector, plan.selector, plan.ext);
  }
  Descriptor& tss = plan.descriptor;
  if (Fault fault = ReadDescriptor(context, plan.selector, vector, plan.ext, tss)) {
    return fault;
  }
  const u8 wanted = kTss16Available | (plan.Returns() ? kBusy : 0);
  if (!tss.is_system() || (tss.type() & 7) != wanted) {
    return SelectorFault(vector, plan.selector, plan.ext);
  }
  if (!tss.is_present()) {
    return SelectorFault(Vector::kNp, plan.selector, plan.ext);
  }
  return tss.limit() >= MinimumTssLimit(tss.type())
             ? Fault::None()
             : SelectorFault(Vector::kTs, plan.selector, plan.ext);
}

// Memory changes of the switch; a fault here is still the old task's.
Fault SaveOldTask(Context& context, const Switch& plan, const Segment& new_tss, u64 return_rip) {
  CpuState& state = context.state;
  TaskState old = CaptureTask(state, return_rip);
  if (plan.Returns()) {
    old.eflags &= ~static_cast<u32>(kFlagNt);
  }
  if (Fault fault = WriteTaskState(context, state.tr, old)) {
    return fault;
  }
  if (plan.Nests()) {
    const u16 link = state.tr.selector;
    return context.mmu.WriteSystem(Gva(new_tss.base), std::as_bytes(std::span(&link, 1)));
  }
  Descriptor old_tss;
  if (Fault fault = ReadDescriptor(context, state.tr.selector, Vector::kTs, plan.ext, old_tss)) {
    return fault;
  }
  return SetBusy(context, old_tss, false);
}

Fault LoadPageTables(Context& context, const TaskState& task, u8 tss_type) {
  CpuState& state = context.state;
  const bool has_cr3 = Is32BitTss(tss_type) && (state.cr0 & kCr0Pg) != 0;
  if (!has_cr3 || task.cr3 == state.cr3) {
    return Fault::None();
  }
  if ((state.cr4 & kCr4Pae) != 0) {
    if (Fault fault = context.mmu.LoadPdptes(task.cr3)) {
      return fault;
    }
  }
  state.cr3 = task.cr3;
  context.mmu.FlushNonGlobal();
  return Fault::None();
}

// From here on all is the new task's: its selectors are seen even where their loads fault.
void EnterTask(Context& context, const Switch& plan, const Segment& new_tss,
               const TaskState& task) {
  CpuState& state = context.state;
  state.tr = new_tss;
  state.cr0 |= kCr0Ts;
  state.dr7 &= ~kDr7LocalEnables;
  state.rip = task.eip;
  state.rflags = task.eflags | kFlagFixed1 | (plan.Nests() ? kFlagNt : 0);
  for (size_t i = 0; i < 8; ++i) {
    state.gpr[i] = task.gpr[i];
  }
  for (size_t i = 0; i < 6; ++i) {
    state.seg[i] = {0, 0, task.selectors[i], 0};
  }
  state.ldtr = {0, 0, task.ldt, 0};
  const u8 rpl = task.selectors[static_cast<size_t>(SegReg::kCs)] & 3;
  SetCpl(context, state.InVirtual8086() ? 3 : rpl);
}

Fault FinishInNewTask(Context& context, const Switch& plan, const TaskState& task, u8 tss_type,
                      std::optional<u32> error_code) {
  CpuState& state = context.state;
  if (Fault fault = LoadTaskSegments(context, task, plan.ext)) {
    return fault;
  }
  if (error_code) {
    StackFrame frame = StackFrame::Current(context, plan.ext);
    if (Fault fault = frame.Push(*error_code, Is32BitTss(tss_type) ? 4 : 2)) {
      return fault;
    }
    frame.CommitTo(state.gpr[kRsp]);
  }
  if (task.traps) {
    state.pending_dr6 |= kDr6TaskSwitch;
  }
  return state.rip <= state.Seg(SegReg::kCs).limit ? Fault::None() : Fault::Gp(plan.ext);
}

}  // namespace

Fault SwitchTask(Context& context, u16 tss_selector, TaskSwitchSource source, u64 return_rip,
                 u32 ext, std::optional<u32> error_code) {
  Switch plan{source, ext, tss_selector, {}};
  if (Fault fault = CheckNewTss(context, plan)) {
    return fault;
  }
  Segment new_tss = plan.descriptor.ToSegment(tss_selector);
  new_tss.attributes |= kBusy;
  TaskState task;
  if (Fault fault = ReadTaskState(context, new_tss, task)) {
    return fault;
  }
  if (Fault fault = SaveOldTask(context, plan, new_tss, return_rip)) {
    return fault;
  }
  if (Fault fault = SetBusy(context, plan.descriptor, true)) {
    return fault;
  }
  if (Fault fault = LoadPageTables(context, task, new_tss.type())) {
    return fault;
  }
  EnterTask(context, plan, new_tss, task);
  return FinishInNewTask(context, plan, task, new_tss.type(), error_code);
}

}  // namespace tandem::cpu
