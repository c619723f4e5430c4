#pragma once

#include <linux/kvm.h>

#include <optional>
#include <vector>

#include "accel/kvm/vm.h"
#include "base/mutex.h"
#include "devices/bus/irq.h"

namespace tandem::accel::kvm {

// Where KVM's GSIs lead to. The kernel takes the table as a whole (api.rst, KVM_SET_GSI_ROUTING).
// Any thread.
class Routing {
 public:
  static constexpr u32 kPins = 24;  // the GSIs of the I/O APIC; messages have those behind them

  explicit Routing(Vm& vm) : vm_(vm) {}

  // All pins lead to the kernel's 8259s and I/O APIC.
  void ConnectChips();
  // What a pin of an I/O APIC of ours sends; nothing: it is masked.
  void SetPin(u32 pin, std::optional<devices::MsiMessage> message);

  // A GSI that sends the message. Fails if there is no more room, or KVM does not like it.
  Result<devices::Gsi> AddMessage(devices::MsiMessage message);
  // Another message; after a failure it sends none.
  Result<void> SetMessage(devices::Gsi gsi, devices::MsiMessage message);
  void RemoveMessage(devices::Gsi gsi);

 private:
  void Erase(devices::Gsi gsi);
  Result<void> Append(devices::Gsi gsi, devices::MsiMessage message);
  Result<void> Apply();

  Vm& vm_;
  Mutex mu_{LockRank::kLeaf};  // guards routes_
  std::vector<kvm_irq_routing_entry> routes_;
};

}  // namespace tandem::accel::kvm
