#pragma once

#include <optional>
#include <vector>

#include "accel/kvm/routing.h"
#include "devices/bus/irq_events.h"

namespace tandem::accel::kvm {

// Events whose signals become interrupts in the kernel (api.rst, KVM_IRQFD): messages, and with
// kernel-irqchip=on lines; other controllers' lines are refused. One caller at a time.
class Irqfds final : public devices::IrqEvents {
 public:
  // Both outlive it.
  Irqfds(Vm& vm, Routing& routing) : vm_(vm), routing_(routing) {}

  Result<void> Connect(const std::shared_ptr<devices::EventFd>& event,
                       const devices::IrqTarget& target) override;
  void Disconnect(const std::shared_ptr<devices::EventFd>& event) override;

 private:
  struct Irqfd {
    std::shared_ptr<devices::EventFd> event;
    devices::Gsi gsi = 0;
    bool is_message = false;  // the GSI is its own
  };

  Irqfd* Find(const devices::EventFd& event);
  Result<void> ConnectMessage(const std::shared_ptr<devices::EventFd>& event,
                              devices::MsiMessage message);
  Result<void> ConnectLine(const std::shared_ptr<devices::EventFd>& event,
                           const devices::EventLine& line);
  Result<void> Assign(const devices::EventFd& event, devices::Gsi gsi,
                      const devices::EventFd* resample);

  Vm& vm_;
  Routing& routing_;
  std::vector<Irqfd> irqfds_;
};

}  // namespace tandem::accel::kvm
