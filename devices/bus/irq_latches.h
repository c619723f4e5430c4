#pragma once

#include <functional>

#include "devices/bus/irq.h"

namespace tandem::devices {

// Interrupt controllers that can keep a line high until the guest has ended its interrupt.
class IrqLatches {
 public:
  virtual ~IrqLatches() = default;
  // The line is high while this or its device says so. Any thread.
  virtual void SetLatch(Gsi gsi, bool level) = 0;
  // Called when the guest has ended the interrupt of a line whose latch was set, and which is low
  // again; on a vCPU's thread, with the controllers' lock held.
  virtual void SetLatchEndHandler(std::function<void(Gsi)> handler) = 0;
};

}  // namespace tandem::devices
