#pragma once

#include <memory>
#include <variant>

#include "base/result.h"
#include "devices/bus/event_fd.h"
#include "devices/bus/irq.h"

// Interrupts that eventfds raise.
namespace tandem::devices {

// A line that an event raises. Without resample each signal is an edge. With it a signal raises the
// line, which must be level-triggered, and the guest's end of interrupt lowers it and signals
// resample: who still has a cause then signals again. resample may also come without an interrupt.
struct EventLine {
  Gsi gsi = 0;
  std::shared_ptr<EventFd> resample{};
};

using IrqTarget = std::variant<MsiMessage, EventLine>;

// Events whose signals interrupt, whoever sees to it: a thread of ours, or the kernel (irqfd).
class IrqEvents {
 public:
  virtual ~IrqEvents() = default;
  // Each signal of the event goes to target from now on, also one that has come already, and no
  // longer where it went before. No signal is lost between the two. Fails where the host refuses;
  // the event is not connected then.
  virtual Result<void> Connect(const std::shared_ptr<EventFd>& event, const IrqTarget& target) = 0;
  // After return the event has no effect; what signals it from now on can be read from it. One that
  // is not connected stays so.
  virtual void Disconnect(const std::shared_ptr<EventFd>& event) = 0;
};

}  // namespace tandem::devices
