#include "accel/kvm/kernel_irqs.h"

#include <algorithm>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/list.h"
#include "base/log.h"

// api.rst: KVM_CREATE_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP, KVM_SET_GSI_ROUTING, KVM_SIGNAL_MSI.
namespace tandem::accel::kvm {
namespace {

constexpr u32 kIoApicPins = 24;
constexpr u32 kIsaIrqs = 16;

kvm_irq_routing_entry ChipRoute(u32 gsi, u32 chip, u32 pin) {
  kvm_irq_routing_entry route{};
  route.gsi = gsi;
  route.type = KVM_IRQ_ROUTING_IRQCHIP;
  route.u.irqchip.irqchip = chip;
  route.u.irqchip.pin = pin;
  return route;
}

void SetRouting(int vm_fd, const std::vector<kvm_irq_routing_entry>& routes) {
  MustCall(vm_fd, ForList(KVM_SET_GSI_ROUTING), List<kvm_irq_routing_entry>(routes).data());
}

}  // namespace

void KernelApics::SendMsi(devices::MsiMessage message) {
  kvm_msi msi{};
  msi.address_lo = static_cast<u32>(message.address);
  msi.address_hi = static_cast<u32>(message.address >> 32);
  msi.data = message.data;
  if (Call(vm_.fd(), KVM_SIGNAL_MSI, &msi) < 0) {
    Log(LogItem::kGuestError, "kvm: no interrupt is sent to {:#x} with {:#x}: {}", message.address,
        message.data, std::strerror(errno));
  }
}

void KernelApics::SetPinMessage(u32 pin, devices::MsiMessage message, bool is_masked) {
  MutexLock lock(mu_);
  std::erase_if(routes_, [&](const kvm_irq_routing_entry& route) { return route.gsi == pin; });
  if (!is_masked) {
    kvm_irq_routing_entry route{};
    route.gsi = pin;
    route.type = KVM_IRQ_ROUTING_MSI;
    route.u.msi.address_lo = static_cast<u32>(message.address);
    route.u.msi.address_hi = static_cast<u32>(message.address >> 32);
    route.u.msi.data = message.data;
    routes_.push_back(route);
  }
  SetRouting(vm_.fd(), routes_);
}

void KernelApics::Add(int vcpu_fd) {
  Apic apic{};
  apic.vcpu_fd = vcpu_fd;
  MustCall(vcpu_fd, KVM_GET_LAPIC, &apic.power_on);
  kvm_sregs sregs{};
  MustCall(vcpu_fd, KVM_GET_SREGS, &sregs);
  apic.base = sregs.apic_base;
  apics_.push_back(apic);
}

void KernelApics::Reset() {
  for (Apic& apic : apics_) {
    kvm_sregs sregs{};
    MustCall(apic.vcpu_fd, KVM_GET_SREGS, &sregs);
    sregs.apic_base = apic.base;
    sregs.cr8 = 0;
    std::fill(std::begin(sregs.interrupt_bitmap), std::end(sregs.interrupt_bitmap), 0);
    MustCall(apic.vcpu_fd, KVM_SET_SREGS, &sregs);
    MustCall(apic.vcpu_fd, KVM_SET_LAPIC, &apic.power_on);
  }
}

Result<std::unique_ptr<KernelIrqChip>> KernelIrqChip::Create(Vm& vm, KernelApics& apics) {
  std::unique_ptr<KernelIrqChip> chip(new KernelIrqChip(vm, apics));
  if (Call(vm.fd(), KVM_CREATE_IRQCHIP, 0) != 0) {
    return Fail("kvm: no interrupt controllers in the kernel: {}; use kernel-irqchip=off",
                std::strerror(errno));
  }
  kvm_pit_config pit{};
  pit.flags = KVM_PIT_SPEAKER_DUMMY;  // port 0x61 too
  if (Call(vm.fd(), KVM_CREATE_PIT2, &pit) != 0) {
    return Fail("kvm: no timer in the kernel: {}; use kernel-irqchip=split", std::strerror(errno));
  }
  chip->SetRoutes();
  for (const u32 id : {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_IOAPIC}) {
    kvm_irqchip state{};
    state.chip_id = id;
    MustCall(vm.fd(), KVM_GET_IRQCHIP, &state);
    chip->power_on_.push_back(state);
  }
  MustCall(vm.fd(), KVM_GET_PIT2, &chip->pit_power_on_);
  return chip;
}

// The timer's interrupt drives pin 2 of the I/O APIC; input 2 of the 8259 is the other 8259.
void KernelIrqChip::SetRoutes() {
  std::vector<kvm_irq_routing_entry> routes;
  for (u32 gsi = 0; gsi < kIoApicPins; ++gsi) {
    if (gsi == 2) {
      continue;
    }
    if (gsi < kIsaIrqs) {
      routes.push_back(
          ChipRoute(gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8));
    }
    routes.push_back(ChipRoute(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi));
  }
  SetRouting(vm_.fd(), routes);
}

void KernelIrqChip::SetLine(devices::Gsi gsi, bool level) {
  if (gsi >= kIoApicPins) {
    return;
  }
  kvm_irq_level line{};
  line.irq = gsi;
  line.level = level;
  MustCall(vm_.fd(), KVM_IRQ_LINE, &line);
}

void KernelIrqChip::Reset() {
  apics_.Reset();
  for (kvm_irqchip& state : power_on_) {
    MustCall(vm_.fd(), KVM_SET_IRQCHIP, &state);
  }
  MustCall(vm_.fd(), KVM_SET_PIT2, &pit_power_on_);
}

void KernelIrqChip::SetPitIrqEnabled(bool enabled) {
  kvm_pit_state2 state{};
  MustCall(vm_.fd(), KVM_GET_PIT2, &state);
  state.flags = enabled ? state.flags & ~u32{KVM_PIT_FLAGS_HPET_LEGACY}
                        : state.flags | KVM_PIT_FLAGS_HPET_LEGACY;
  MustCall(vm_.fd(), KVM_SET_PIT2, &state);
}

Result<KernelIrqs> MakeKernelIrqs(Vm& vm, KernelApics& apics) {
  KernelIrqs irqs;
  if (vm.options().irqchip == KernelIrqchip::kSplit) {
    kvm_enable_cap split{};
    split.cap = KVM_CAP_SPLIT_IRQCHIP;
    split.args[0] = kIoApicPins;
    if (Call(vm.fd(), KVM_ENABLE_CAP, &split) != 0) {
      return Fail("kvm: no local APICs in the kernel: {}; use kernel-irqchip=off",
                  std::strerror(errno));
    }
    irqs.apics = &apics;
  } else if (vm.options().irqchip == KernelIrqchip::kOn) {
    auto chip = KernelIrqChip::Create(vm, apics);
    if (!chip) {
      return chip.error();
    }
    irqs.set_pit_irq_enabled = [chip = chip->get()](bool on) { chip->SetPitIrqEnabled(on); };
    irqs.chip = std::move(*chip);
  }
  return irqs;
}

}  // namespace tandem::accel::kvm
