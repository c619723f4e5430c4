#include "accel/kvm/kernel_irqs.h"

#include <algorithm>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/irq_state.h"
#include "accel/kvm/list.h"
#include "base/log.h"

// api.rst: KVM_CREATE_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP, KVM_SET_GSI_ROUTING, KVM_SIGNAL_MSI.
namespace tandem::accel::kvm {
namespace {

kvm_irqchip GetChip(int vm_fd, u32 id) {
  kvm_irqchip state{};
  state.chip_id = id;
  MustCall(vm_fd, KVM_GET_IRQCHIP, &state);
  return state;
}

void SetKernelLine(int vm_fd, devices::Gsi gsi, bool level) {
  kvm_irq_level line{};
  line.irq = gsi;
  line.level = level;
  MustCall(vm_fd, KVM_IRQ_LINE, &line);
}

constexpr u32 kTscMsr = 0x10;
constexpr u32 kTscDeadlineMsr = 0x6e0;

// 0 if there is no such register.
u64 ReadMsr(int vcpu_fd, u32 number) {
  const kvm_msr_entry entry{.index = number, .reserved = 0, .data = 0};
  List<kvm_msr_entry> list(std::span(&entry, 1));
  return Call(vcpu_fd, ForList(KVM_GET_MSRS), list.data()) == 1 ? list.at(0).data : 0;
}

void WriteMsr(int vcpu_fd, u32 number, u64 value) {
  const kvm_msr_entry entry{.index = number, .reserved = 0, .data = value};
  MustCall(vcpu_fd, ForList(KVM_SET_MSRS), List<kvm_msr_entry>(std::span(&entry, 1)).data());
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
  routing_.SetPin(pin, is_masked ? std::nullopt : std::optional(message));
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

std::vector<devices::LocalApicState> KernelApics::Save() const {
  std::vector<devices::LocalApicState> states;
  for (const Apic& apic : apics_) {
    kvm_lapic_state page{};
    MustCall(apic.vcpu_fd, KVM_GET_LAPIC, &page);
    devices::LocalApicState state = FromKvm(page);
    kvm_sregs sregs{};
    MustCall(apic.vcpu_fd, KVM_GET_SREGS, &sregs);
    state.base = sregs.apic_base;
    if (const u64 deadline = ReadMsr(apic.vcpu_fd, kTscDeadlineMsr)) {
      state.deadline_ticks = static_cast<i64>(deadline - ReadMsr(apic.vcpu_fd, kTscMsr));
    }
    states.push_back(state);
  }
  return states;
}

// The base first: in x2APIC mode the page has another form.
void KernelApics::Load(const std::vector<devices::LocalApicState>& states) {
  CHECK(states.size() == apics_.size());
  for (size_t i = 0; i < states.size(); ++i) {
    Apic& apic = apics_[i];
    kvm_sregs sregs{};
    MustCall(apic.vcpu_fd, KVM_GET_SREGS, &sregs);
    sregs.apic_base = states[i].base;
    MustCall(apic.vcpu_fd, KVM_SET_SREGS, &sregs);
    kvm_lapic_state page = ToKvm(states[i]);
    MustCall(apic.vcpu_fd, KVM_SET_LAPIC, &page);
    apic.deadline_ticks = states[i].deadline_ticks;
  }
}

void KernelApics::OnTscSet(int vcpu_fd) {
  const auto apic = std::find_if(apics_.begin(), apics_.end(),
                                 [&](const Apic& each) { return each.vcpu_fd == vcpu_fd; });
  if (apic == apics_.end()) {
    return;
  }
  const std::optional<i64> ticks = std::exchange(apic->deadline_ticks, std::nullopt);
  const u64 deadline = ticks ? ReadMsr(vcpu_fd, kTscMsr) + static_cast<u64>(*ticks)
                             : ReadMsr(vcpu_fd, kTscDeadlineMsr);
  if (deadline != 0) {
    WriteMsr(vcpu_fd, kTscDeadlineMsr, deadline);
  }
}

Result<std::unique_ptr<KernelIrqChip>> KernelIrqChip::Create(Vm& vm, KernelApics& apics,
                                                             Routing& routing) {
  std::unique_ptr<KernelIrqChip> chip(new KernelIrqChip(vm, apics));
  if (Call(vm.fd(), KVM_CREATE_IRQCHIP, 0) != 0) {
    return Fail("kvm: no interrupt controllers in the kernel: {}; use kernel-irqchip=off",
                std::strerror(errno));
  }
  if (vm.options().has_pit) {
    chip->pit_.emplace(vm);
    if (const Result<void> made = chip->pit_->Create(); !made) {
      return made.error();
    }
  }
  routing.ConnectChips();
  for (const u32 id : {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_IOAPIC}) {
    chip->power_on_.push_back(GetChip(vm.fd(), id));
  }
  return chip;
}

void KernelIrqChip::SetLine(devices::Gsi gsi, bool level) {
  if (gsi >= Routing::kPins) {
    return;
  }
  const u32 bit = 1u << gsi;
  level ? lines_.fetch_or(bit) : lines_.fetch_and(~bit);
  SetKernelLine(vm_.fd(), gsi, level);
}

void KernelIrqChip::Reset() {
  apics_.Reset();
  for (kvm_irqchip& state : power_on_) {
    MustCall(vm_.fd(), KVM_SET_IRQCHIP, &state);
  }
  if (pit_) {
    pit_->Reset();
  }
}

// KVM's PIT sends pulses, where ours has a line that is high at rest.
devices::IrqState KernelIrqChip::Save() const {
  constexpr u32 kTimerPin = 2;
  devices::IrqState state;
  state.apics = apics_.Save();
  state.pics[0] = FromKvm(GetChip(vm_.fd(), KVM_IRQCHIP_PIC_MASTER).chip.pic);
  state.pics[1] = FromKvm(GetChip(vm_.fd(), KVM_IRQCHIP_PIC_SLAVE).chip.pic);
  state.pics[0].lines |= 1;
  state.io_apic = FromKvm(GetChip(vm_.fd(), KVM_IRQCHIP_IOAPIC).chip.ioapic);
  state.io_apic.lines = (lines_.load() & ~1u) | 1u << kTimerPin;
  return state;
}

// The kernel keeps levels of its own for each line, so they are set first; what that sets off is
// overwritten, in the second 8259 before the first sees it.
void KernelIrqChip::Load(const devices::IrqState& state) {
  for (devices::Gsi gsi = 1; gsi < Routing::kPins; ++gsi) {
    if (gsi != 2) {
      SetLine(gsi, (state.io_apic.lines >> gsi & 1) != 0);
    }
  }
  apics_.Load(state.apics);
  kvm_irqchip chip{};
  chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
  chip.chip.pic = ToKvm(state.pics[1], /*is_master=*/false);
  MustCall(vm_.fd(), KVM_SET_IRQCHIP, &chip);
  chip = {};
  chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
  chip.chip.pic = ToKvm(state.pics[0], /*is_master=*/true);
  MustCall(vm_.fd(), KVM_SET_IRQCHIP, &chip);
  chip = {};
  chip.chip_id = KVM_IRQCHIP_IOAPIC;
  chip.chip.ioapic = ToKvm(state.io_apic);
  MustCall(vm_.fd(), KVM_SET_IRQCHIP, &chip);
}

Result<KernelIrqs> MakeKernelIrqs(Vm& vm, KernelApics& apics, Routing& routing) {
  KernelIrqs irqs;
  if (vm.options().irqchip == KernelIrqchip::kSplit) {
    kvm_enable_cap split{};
    split.cap = KVM_CAP_SPLIT_IRQCHIP;
    split.args[0] = Routing::kPins;
    if (Call(vm.fd(), KVM_ENABLE_CAP, &split) != 0) {
      return Fail("kvm: no local APICs in the kernel: {}; use kernel-irqchip=off",
                  std::strerror(errno));
    }
    irqs.apics = &apics;
  } else if (vm.options().irqchip == KernelIrqchip::kOn) {
    auto chip = KernelIrqChip::Create(vm, apics, routing);
    if (!chip) {
      return chip.error();
    }
    irqs.pit = (*chip)->pit();
    irqs.chip = std::move(*chip);
  }
  return irqs;
}

}  // namespace tandem::accel::kvm
