#pragma once

#include <memory>

#include "devices/bus/irq_state.h"

namespace tandem::accel::tests {

// The machine's interrupt controllers, whichever object they are at present: what devices' lines
// and vCPUs are connected to stays when an accelerator with other controllers takes over.
class IrqSwitch final : public devices::StatefulIrqChip {
 public:
  explicit IrqSwitch(std::unique_ptr<devices::StatefulIrqChip> chip) : chip_(std::move(chip)) {}

  // While the vCPUs stand still. The new controllers' state is still to be loaded; lines and
  // messages must not change until then.
  void Replace(std::unique_ptr<devices::StatefulIrqChip> chip) { chip_ = std::move(chip); }

  void SetLine(devices::Gsi gsi, bool level) override { chip_->SetLine(gsi, level); }
  void SendMsi(devices::MsiMessage message) override { chip_->SendMsi(message); }
  std::optional<u8> TakeVector(devices::VcpuId vcpu) override { return chip_->TakeVector(vcpu); }
  bool HasVector(devices::VcpuId vcpu) const override { return chip_->HasVector(vcpu); }
  devices::LocalApic* Apic(devices::VcpuId vcpu) override { return chip_->Apic(vcpu); }
  void Reset() override { chip_->Reset(); }
  devices::IrqState Save() const override { return chip_->Save(); }
  void Load(const devices::IrqState& state) override { chip_->Load(state); }

 private:
  std::unique_ptr<devices::StatefulIrqChip> chip_;
};

}  // namespace tandem::accel::tests
