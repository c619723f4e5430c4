#include "devices/irqchip/soft_irq_chip.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "devices/irqchip/locked_apic.h"

namespace tandem::devices {

SoftIrqChip::SoftIrqChip(u32 vcpus, Clock& clock, CpuSignals& signals) : signals_(signals) {
  CHECK(vcpus >= 1);
  ApicBus& bus = *this;
  for (VcpuId id = 0; id < vcpus; ++id) {
    auto cpu = std::make_unique<Cpu>();
    cpu->core = std::make_unique<ApicCore>(id, clock, bus, [this, id] { OnApicTimer(id); });
    cpu->front = std::make_unique<LockedApic>(*this, id);
    cpus_.push_back(std::move(cpu));
  }
}

SoftIrqChip::~SoftIrqChip() = default;

LocalApic* SoftIrqChip::Apic(VcpuId vcpu) { return cpus_[vcpu]->front.get(); }

// SDM Vol. 3, "Message Signalled Interrupts".
void SoftIrqChip::SendMsi(MsiMessage message) {
  if (message.address >> 20 != 0xfee) {
    Log(LogItem::kGuestError, "irqchip: MSI to {:#x} is no interrupt", message.address);
    return;
  }
  MutexLock lock(mu_);
  Deliver({.destination = static_cast<u32>(BitsOf(message.address, 12, 8)),
           .is_logical = Bit(message.address, 2),
           .is_level = Bit(message.data, 15),
           .mode = static_cast<DeliveryMode>(BitsOf(message.data, 8, 3)),
           .vector = static_cast<u8>(message.data)});
}

void SoftIrqChip::Deliver(const ApicMessage& message) {
  if (message.mode == DeliveryMode::kLowestPriority) {
    DeliverLowestPriority(message);
    return;
  }
  for (VcpuId id = 0; id < cpus_.size(); ++id) {
    if (cpus_[id]->core->IsAddressedBy(message)) {
      DeliverTo(id, message);
    }
  }
}

// Among equals the targets take turns.
void SoftIrqChip::DeliverLowestPriority(const ApicMessage& message) {
  std::optional<VcpuId> target;
  for (u32 step = 0; step < cpus_.size(); ++step) {
    const VcpuId id = (next_lowest_ + step) % static_cast<u32>(cpus_.size());
    const ApicCore& core = *cpus_[id]->core;
    if (core.IsEnabled() && core.IsAddressedBy(message) &&
        (!target || core.ProcessorPriority() < cpus_[*target]->core->ProcessorPriority())) {
      target = id;
    }
  }
  if (target) {
    next_lowest_ = *target + 1;
    cpus_[*target]->core->Accept(message.vector, message.is_level);
    Update(*target);
  }
}

void SoftIrqChip::DeliverTo(VcpuId vcpu, const ApicMessage& message) {
  switch (message.mode) {
    case DeliveryMode::kFixed:
      cpus_[vcpu]->core->Accept(message.vector, message.is_level);
      break;
    case DeliveryMode::kExtInt:  // by an I/O APIC pin: the INTA cycle runs at once
      if (pic_.HasInterrupt()) {
        cpus_[vcpu]->core->Accept(TakePicVector(), /*is_level=*/false);
      }
      break;
    case DeliveryMode::kNmi:
      signals_.SendNmi(vcpu);
      break;
    case DeliveryMode::kInit:
      signals_.SendInit(vcpu);
      break;
    case DeliveryMode::kStartup:
      signals_.SendStartup(vcpu, message.vector);
      break;
    default:
      Log(LogItem::kUnimp, "irqchip: delivery mode {} is not modelled",
          static_cast<int>(message.mode));
      break;
  }
  Update(vcpu);
}

bool SoftIrqChip::ExtIntPending(VcpuId vcpu) const {
  return vcpu == 0 && cpus_[0]->core->AcceptsExtInt() && pic_.HasInterrupt();
}

// To follow each change of a local APIC.
void SoftIrqChip::Update(VcpuId vcpu) {
  Cpu& cpu = *cpus_[vcpu];
  const bool has_vector = cpu.core->PendingVector().has_value() || ExtIntPending(vcpu);
  if (cpu.has_vector.exchange(has_vector) != has_vector && has_vector) {
    signals_.InterruptPending(vcpu);
  }
}

void SoftIrqChip::OnPicChanged() {
  const bool output = pic_.HasInterrupt();
  if (output && !pic_output_) {
    cpus_[0]->core->OnLint0Edge();
  }
  pic_output_ = output;
  Update(0);
}

std::optional<u8> SoftIrqChip::TakeVector(VcpuId vcpu) {
  MutexLock lock(mu_);
  std::optional<u8> vector;
  if (cpus_[vcpu]->core->PendingVector()) {
    vector = cpus_[vcpu]->core->TakeVector();
  } else if (ExtIntPending(vcpu)) {
    vector = TakePicVector();
    pic_output_ = pic_.HasInterrupt();
  }
  Update(vcpu);
  return vector;
}

void SoftIrqChip::OnApicTimer(VcpuId vcpu) {
  MutexLock lock(mu_);
  cpus_[vcpu]->core->OnTimer();
  Update(vcpu);
}

void SoftIrqChip::ResetApic(VcpuId vcpu) {
  MutexLock lock(mu_);
  cpus_[vcpu]->core->Init();
  Update(vcpu);
}

void SoftIrqChip::Reset() {
  MutexLock lock(mu_);
  ResetPins();
  pic_output_ = false;
  for (VcpuId id = 0; id < cpus_.size(); ++id) {
    cpus_[id]->core->Reset();
    Update(id);
  }
}

IrqState SoftIrqChip::Save() const {
  MutexLock lock(mu_);
  IrqState state{.apics = {}, .pics = pic_.Save(), .io_apic = ioapic_.state()};
  for (const auto& cpu : cpus_) {
    state.apics.push_back(cpu->core->Save());
  }
  return state;
}

// The I/O APIC last, as it may send.
void SoftIrqChip::Load(const IrqState& state) {
  CHECK(state.apics.size() == cpus_.size());
  MutexLock lock(mu_);
  for (size_t i = 0; i < cpus_.size(); ++i) {
    cpus_[i]->core->Load(state.apics[i]);
  }
  pic_.Load(state.pics);
  pic_output_ = pic_.HasInterrupt();
  LoadLines(state.io_apic);
  ioapic_.Load(state.io_apic);
  for (VcpuId id = 0; id < cpus_.size(); ++id) {
    Update(id);
  }
}

}  // namespace tandem::devices
