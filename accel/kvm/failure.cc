// When KVM cannot go on: our interpreter executes, or the state is shown.
#include <linux/kvm.h>

#include "accel/kvm/kvm_vcpu.h"
#include "base/log.h"

namespace tandem::accel::kvm {
namespace {

constexpr u64 kMostAtOnce = 1024;

std::string SegmentLine(const char* name, const cpu::Segment& segment) {
  return fmt::format("{} {:04x} base {:016x} limit {:08x} attributes {:04x}\n", name,
                     segment.selector, segment.base, segment.limit, segment.attributes);
}

}  // namespace

// api.rst, KVM_EXIT_INTERNAL_ERROR: RIP is that of the instruction.
std::optional<Exit> KvmVcpu::ServeFailure() {
  if (run_.internal.suberror != KVM_INTERNAL_ERROR_EMULATION) {
    return Fail(fmt::format("internal error {}", u32{run_.internal.suberror}));
  }
  access_.DropException();  // older kernels queue #UD besides
  if (!vm_.options().has_fallback) {
    return Fail("KVM cannot emulate an instruction, and fallback=off is set");
  }
  cpu::CpuState state;
  Save(state);
  const u64 tsc_offset = state.msr.tsc_offset;
  if (!Interpret(state)) {
    return Fail("an instruction that KVM cannot emulate accesses the local APIC in the kernel");
  }
  LoadContext context;  // the time-stamp counter goes on, unless it was written
  if (state.msr.tsc_offset != tsc_offset) {
    context.tsc = env_.clock.NowNs() + state.msr.tsc_offset;
  }
  if (devices::LocalApic* apic = env_.irqs.Apic(id_)) {
    apic_base_ = apic->ReadMsr(0x1b).value_or(0);
    context.apic_base = apic_base_;
    run_.cr8 = apic->TaskPriority();
  }
  if (const Result<void> loaded = access_.Load(state, context); !loaded) {
    return Fail(loaded.error().message);
  }
  LoadActivity(state.activity);
  return debug_.single_step ? std::optional<Exit>(Stepped{}) : std::nullopt;
}

// Where failures follow one another closely the interpreter keeps on for longer each time, as a
// change of engines costs thousands of instructions.
bool KvmVcpu::Interpret(cpu::CpuState& state) {
  if (!rescue_) {
    rescue_ = std::make_unique<Rescue>(id_, model_, env_);
    Log(LogItem::kAccel, "vcpu {}: KVM cannot emulate {} at {:#x}: interpreted from here", id_,
        rescue_->Describe(state), state.rip);
  }
  ++rescue_count_;
  rescue_limit_ = was_rescued_ ? std::min(2 * rescue_limit_, kMostAtOnce) : 1;
  was_rescued_ = true;
  return rescue_->Execute(state, debug_.IsOn() ? 1 : rescue_limit_, events_) != 0;
}

std::string KvmVcpu::Dump() {
  static constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
  cpu::CpuState state;
  Save(state);
  Rescue reader(id_, model_, env_);
  std::string text = fmt::format("rip {:016x} rflags {:08x} cpl {}: {}\n", state.rip, state.rflags,
                                 state.cpl, reader.Describe(state));
  for (size_t i = 0; i < 16; ++i) {
    text += fmt::format("{} {:016x}{}", kNames[i], state.gpr[i], i % 4 == 3 ? "\n" : "  ");
  }
  static constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (size_t i = 0; i < state.seg.size(); ++i) {
    text += SegmentLine(kSegments[i], state.seg[i]);
  }
  text += SegmentLine("tr", state.tr) + SegmentLine("ld", state.ldtr);
  text += fmt::format("gdt {:016x}/{:04x}  idt {:016x}/{:04x}\n", state.gdtr.base, state.gdtr.limit,
                      state.idtr.base, state.idtr.limit);
  text += fmt::format("cr0 {:08x}  cr2 {:016x}  cr3 {:016x}  cr4 {:08x}  efer {:04x}", state.cr0,
                      state.cr2, state.cr3, state.cr4, state.msr.efer);
  return text;
}

}  // namespace tandem::accel::kvm
