// Interrupts and halting: with local APICs in the kernel it does both by itself, otherwise we hand
// it each vector (api.rst, KVM_INTERRUPT, KVM_SET_VCPU_EVENTS).
#include <linux/kvm.h>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/kvm_vcpu.h"
#include "base/bits.h"
#include "base/log.h"

namespace tandem::accel::kvm {
namespace {

constexpr u32 kApicBaseMsr = 0x1b;
constexpr unsigned kApicEnable = 11;
constexpr unsigned kApicX2 = 10;

}  // namespace

// With kernel-irqchip=split the chip's vectors are those of the 8259s, which only the first
// processor is offered.
void KvmVcpu::OfferInterrupt() {
  if (vm_.options().irqchip == KernelIrqchip::kOn) {
    return;
  }
  if (devices::LocalApic* apic = env_.irqs.Apic(id_)) {
    run_.cr8 = apic->TaskPriority();
  }
  const bool is_halted = activity_ == cpu::Activity::kHalted;
  const bool is_open = is_halted ? run_.if_flag != 0 : run_.ready_for_interrupt_injection != 0;
  const bool can_take = activity_ == cpu::Activity::kRunning || is_halted;
  if (can_take && is_open && !is_unfinished_) {
    if (!held_vector_ && env_.irqs.HasVector(id_)) {
      held_vector_ = env_.irqs.TakeVector(id_);
    }
    GiveVector();
  }
  run_.request_interrupt_window = held_vector_ || env_.irqs.HasVector(id_);
}

// What KVM refuses because it has another is offered again.
void KvmVcpu::GiveVector() {
  if (!held_vector_ || !Inject(*held_vector_)) {
    return;
  }
  Log(LogItem::kInt, "vcpu {}: interrupt {:#04x}", id_, *held_vector_);
  held_vector_.reset();
  run_.ready_for_interrupt_injection = 0;
  activity_ = cpu::Activity::kRunning;
}

// With local APICs in the kernel, KVM_INTERRUPT puts the vector where Save does not see it until
// the guest is entered; as an event that is being delivered it is never out of sight.
bool KvmVcpu::Inject(u8 vector) {
  if (!HasOwnApic()) {
    kvm_interrupt interrupt{};
    interrupt.irq = vector;
    return Call(fd_.get(), KVM_INTERRUPT, &interrupt) == 0;
  }
  kvm_vcpu_events events{};
  MustCall(fd_.get(), KVM_GET_VCPU_EVENTS, &events);
  if (events.interrupt.injected != 0 || events.exception.injected != 0 ||
      events.exception.pending != 0) {
    return false;
  }
  events.interrupt.injected = 1;
  events.interrupt.nr = vector;
  events.interrupt.soft = 0;
  events.flags = 0;
  MustCall(fd_.get(), KVM_SET_VCPU_EVENTS, &events);
  if (CurrentActivity() == cpu::Activity::kHalted) {
    kvm_mp_state state{};
    state.mp_state = KVM_MP_STATE_RUNNABLE;
    MustCall(fd_.get(), KVM_SET_MP_STATE, &state);
  }
  return true;
}

// What the guest did to its APIC by CR8 and IA32_APIC_BASE, which KVM keeps without one.
void KvmVcpu::FollowApic() {
  devices::LocalApic* const apic = env_.irqs.Apic(id_);
  if (apic == nullptr) {
    return;
  }
  if (run_.cr8 != apic->TaskPriority()) {
    apic->SetTaskPriority(static_cast<u8>(run_.cr8));
  }
  if (run_.apic_base != apic_base_) {
    apic_base_ = run_.apic_base;
    (void)apic->WriteMsr(kApicBaseMsr, apic_base_);
  }
}

// An access to our APIC's page; false: it is none.
bool KvmVcpu::ServeApicPage() {
  devices::LocalApic* const apic = env_.irqs.Apic(id_);
  const u64 address = run_.mmio.phys_addr;
  const u64 page = AlignDown(apic_base_, kPageSize);
  if (apic == nullptr || !Bit(apic_base_, kApicEnable) || Bit(apic_base_, kApicX2) ||
      AlignDown(address, kPageSize) != page) {
    return false;
  }
  const u32 offset = static_cast<u32>(address - page);
  const bool is_register = (offset & 0xf) == 0;  // what lies between reads as zero
  u32 value = 0;
  if (run_.mmio.is_write != 0) {
    std::memcpy(&value, run_.mmio.data, std::min<size_t>(run_.mmio.len, sizeof(value)));
    if (is_register) {
      apic->WriteRegister(offset, value);
      run_.cr8 = apic->TaskPriority();
    }
    return true;
  }
  const u32 whole =
      (offset & 0xc) == 0 ? apic->ReadRegister(offset & ~3u) >> (8 * (offset & 3)) : 0;
  std::memset(run_.mmio.data, 0, sizeof(run_.mmio.data));
  std::memcpy(run_.mmio.data, &whole, sizeof(whole));
  return true;
}

cpu::Activity KvmVcpu::CurrentActivity() const {
  if (!HasOwnApic() || activity_ == cpu::Activity::kShutdown) {
    return activity_;
  }
  kvm_mp_state state{};
  MustCall(fd_.get(), KVM_GET_MP_STATE, &state);
  switch (state.mp_state) {
    case KVM_MP_STATE_HALTED:
      return cpu::Activity::kHalted;
    case KVM_MP_STATE_UNINITIALIZED:
    case KVM_MP_STATE_INIT_RECEIVED:
      return cpu::Activity::kWaitForSipi;
    default:
      return cpu::Activity::kRunning;
  }
}

void KvmVcpu::LoadActivity(cpu::Activity activity) {
  activity_ = activity;
  // What the shared page says is of the state before.
  run_.ready_for_interrupt_injection = 0;
  kvm_regs regs{};
  MustCall(fd_.get(), KVM_GET_REGS, &regs);
  run_.if_flag = (regs.rflags & cpu::kFlagIf) != 0;
  if (!HasOwnApic() || activity == cpu::Activity::kShutdown) {
    return;
  }
  kvm_mp_state state{};
  state.mp_state = activity == cpu::Activity::kHalted        ? KVM_MP_STATE_HALTED
                   : activity == cpu::Activity::kWaitForSipi ? KVM_MP_STATE_INIT_RECEIVED
                                                             : KVM_MP_STATE_RUNNABLE;
  MustCall(fd_.get(), KVM_SET_MP_STATE, &state);
}

}  // namespace tandem::accel::kvm
