#pragma once

#include "base/ints.h"
#include "devices/bus/irq.h"

namespace tandem::devices {

// SDM Vol. 3, "Interrupt Command Register": delivery mode field.
enum class DeliveryMode : u8 {
  kFixed = 0,
  kLowestPriority = 1,
  kSmi = 2,
  kNmi = 4,
  kInit = 5,
  kStartup = 6,
  kExtInt = 7,
};

enum class Shorthand : u8 { kNone = 0, kSelf = 1, kAll = 2, kOthers = 3 };

// What travels between IOAPIC, MSI sources and local APICs.
struct ApicMessage {
  u32 destination = 0;
  bool is_wide = false;  // a 32-bit destination, from x2APIC
  bool is_logical = false;
  bool is_level = false;
  DeliveryMode mode = DeliveryMode::kFixed;
  u8 vector = 0;
  Shorthand shorthand = Shorthand::kNone;
  VcpuId source = 0;  // meaningful with a shorthand

  bool operator==(const ApicMessage&) const = default;
};

// What connects the APICs. Called with the chip's lock held.
class ApicBus {
 public:
  virtual ~ApicBus() = default;
  virtual void Deliver(const ApicMessage& message) = 0;
  // A level-triggered vector was ended by some local APIC.
  virtual void EndOfInterrupt(u8 vector) = 0;
  // So the interrupt of this I/O APIC pin was; the pin is looked at again afterwards.
  virtual void OnPinEnded(u32 pin) = 0;
};

}  // namespace tandem::devices
