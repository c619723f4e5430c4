#include "cpu/event/task_state.h"

#include "base/bits.h"

namespace tandem::cpu {
namespace {

constexpr u32 kTss16Registers = 0x0e;  // IP, FLAGS, 8 registers, ES, CS, SS, DS, LDT
constexpr u32 kTss32Cr3 = 0x1c;
constexpr u32 kTss32Registers = 0x20;  // EIP to EDI, ES to GS, LDT, T

template <typename T, size_t kCount>
Fault ReadWords(Context& context, u64 address, std::array<T, kCount>& words) {
  return context.mmu.ReadSystem(Gva(address & 0xffffffff),
                                std::as_writable_bytes(std::span(words)));
}

template <typename T, size_t kCount>
Fault WriteWords(Context& context, u64 address, const std::array<T, kCount>& words) {
  return context.mmu.WriteSystem(Gva(address & 0xffffffff), std::as_bytes(std::span(words)));
}

Fault Read16(Context& context, u64 base, TaskState& task) {
  std::array<u16, 15> words;
  if (Fault fault = ReadWords(context, base + kTss16Registers, words)) {
    return fault;
  }
  task.cr3 = static_cast<u32>(context.state.cr3);
  task.eip = words[0];
  task.eflags = words[1];
  for (size_t i = 0; i < 8; ++i) {
    task.gpr[i] = words[2 + i] | 0xffff0000;
  }
  for (size_t i = 0; i < 4; ++i) {
    task.selectors[i] = words[10 + i];
  }
  task.ldt = words[14];
  return Fault::None();
}

Fault Read32(Context& context, u64 base, TaskState& task) {
  std::array<u32, 19> words;  // from CR3 to the T bit
  if (Fault fault = ReadWords(context, base + kTss32Cr3, words)) {
    return fault;
  }
  task.cr3 = words[0];
  task.eip = words[1];
  task.eflags = words[2];
  for (size_t i = 0; i < 8; ++i) {
    task.gpr[i] = words[3 + i];
  }
  for (size_t i = 0; i < 6; ++i) {
    task.selectors[i] = static_cast<u16>(words[11 + i]);
  }
  task.ldt = static_cast<u16>(words[17]);
  task.traps = Bit(words[18], 0);
  return Fault::None();
}

Fault LoadTaskLdt(Context& context, u16 selector, u32 ext) {
  Segment& ldtr = context.state.ldtr;
  if (IsNullSelector(selector)) {
    return Fault::None();
  }
  Descriptor descriptor;
  if ((selector & 4) != 0) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kTs, ext, descriptor)) {
    return fault;
  }
  const bool is_ldt =
      descriptor.is_system() && descriptor.type() == kLdt && descriptor.is_present();
  if (!is_ldt) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  ldtr = descriptor.ToSegment(selector);
  return Fault::None();
}

Fault LoadTaskCode(Context& context, u16 selector, u32 ext) {
  Descriptor code;
  if (IsNullSelector(selector)) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kTs, ext, code)) {
    return fault;
  }
  const u8 rpl = selector & 3;
  const bool has_privilege = code.is_conforming() ? code.dpl() <= rpl : code.dpl() == rpl;
  if (!code.is_code() || !has_privilege) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  if (!code.is_present()) {
    return SelectorFault(Vector::kNp, selector, ext);
  }
  context.state.Seg(SegReg::kCs) = code.ToSegment(selector);
  return MarkAccessed(context, code);
}

Fault LoadTaskStack(Context& context, u16 selector, u32 ext) {
  Descriptor stack;
  if (IsNullSelector(selector)) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kTs, ext, stack)) {
    return fault;
  }
  const u8 cpl = context.state.cpl;
  if (!stack.is_writable_data() || stack.dpl() != cpl || (selector & 3) != cpl) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  if (!stack.is_present()) {
    return SelectorFault(Vector::kSs, selector, ext);
  }
  context.state.Seg(SegReg::kSs) = stack.ToSegment(selector);
  return MarkAccessed(context, stack);
}

Fault LoadTaskData(Context& context, SegReg reg, u16 selector, u32 ext) {
  Descriptor data;
  if (IsNullSelector(selector)) {
    return Fault::None();
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kTs, ext, data)) {
    return fault;
  }
  const bool has_privilege =
      data.is_conforming() || (data.dpl() >= context.state.cpl && data.dpl() >= (selector & 3));
  if (data.is_system() || !data.is_readable() || !has_privilege) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  if (!data.is_present()) {
    return SelectorFault(Vector::kNp, selector, ext);
  }
  context.state.Seg(reg) = data.ToSegment(selector);
  return MarkAccessed(context, data);
}

}  // namespace

Fault ReadTaskState(Context& context, const Segment& tss, TaskState& task) {
  return Is32BitTss(tss.type()) ? Read32(context, tss.base, task) : Read16(context, tss.base, task);
}

Fault WriteTaskState(Context& context, const Segment& tss, const TaskState& task) {
  if (!Is32BitTss(tss.type())) {
    std::array<u16, 14> words{static_cast<u16>(task.eip), static_cast<u16>(task.eflags)};
    for (size_t i = 0; i < 8; ++i) {
      words[2 + i] = static_cast<u16>(task.gpr[i]);
    }
    for (size_t i = 0; i < 4; ++i) {
      words[10 + i] = task.selectors[i];
    }
    return WriteWords(context, tss.base + kTss16Registers, words);
  }
  std::array<u32, 16> words{task.eip, task.eflags};
  for (size_t i = 0; i < 8; ++i) {
    words[2 + i] = task.gpr[i];
  }
  for (size_t i = 0; i < 6; ++i) {
    words[10 + i] = task.selectors[i];
  }
  return WriteWords(context, tss.base + kTss32Registers, words);
}

TaskState CaptureTask(const CpuState& state, u64 return_rip) {
  TaskState task;
  task.eip = static_cast<u32>(return_rip);
  task.eflags = static_cast<u32>(state.rflags);
  for (size_t i = 0; i < 8; ++i) {
    task.gpr[i] = static_cast<u32>(state.gpr[i]);
  }
  for (size_t i = 0; i < 6; ++i) {
    task.selectors[i] = state.seg[i].selector;
  }
  return task;
}

Fault LoadTaskSegments(Context& context, const TaskState& task, u32 ext) {
  CpuState& state = context.state;
  if (Fault fault = LoadTaskLdt(context, task.ldt, ext)) {
    return fault;
  }
  if (state.InVirtual8086()) {
    for (size_t i = 0; i < 6; ++i) {
      state.seg[i] = {u64{task.selectors[i]} << 4, 0xffff, task.selectors[i], 0xf3};
    }
    return Fault::None();
  }
  const auto selector = [&](SegReg reg) { return task.selectors[static_cast<size_t>(reg)]; };
  if (Fault fault = LoadTaskCode(context, selector(SegReg::kCs), ext)) {
    return fault;
  }
  if (Fault fault = LoadTaskStack(context, selector(SegReg::kSs), ext)) {
    return fault;
  }
  for (const SegReg reg : {SegReg::kEs, SegReg::kDs, SegReg::kFs, SegReg::kGs}) {
    if (Fault fault = LoadTaskData(context, reg, selector(reg), ext)) {
      return fault;
    }
  }
  return Fault::None();
}

}  // namespace tandem::cpu
