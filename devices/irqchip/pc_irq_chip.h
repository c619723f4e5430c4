#pragma once

#include <memory>

#include "base/mutex.h"
#include "devices/bus/device.h"
#include "devices/bus/irq_latches.h"
#include "devices/bus/irq_state.h"
#include "devices/irqchip/ioapic.h"
#include "devices/irqchip/pic.h"

namespace tandem::devices {

// The interrupt controllers outside of processors: the 8259 pair and an I/O APIC, under one lock.
// ISA interrupt n drives 8259 input n and I/O APIC pin n, but the timer's (0) drives pin 2. Where
// the local APICs are is the derived class's matter.
class PcIrqChip : public StatefulIrqChip, public IrqLatches, protected ApicBus {
 public:
  static constexpr u64 kMasterPort = 0x20;
  static constexpr u64 kSlavePort = 0xa0;
  static constexpr u64 kElcrPort = 0x4d0;
  static constexpr u64 kPortLength = 2;  // of each of the three

  void SetLine(Gsi gsi, bool level) override;
  void SetLatch(Gsi gsi, bool level) override;
  void SetLatchEndHandler(std::function<void(Gsi)> handler) override;

  // To be mapped by the machine; they must not be used after the chip is gone.
  std::shared_ptr<Device> MakeMasterPorts();
  std::shared_ptr<Device> MakeSlavePorts();
  std::shared_ptr<Device> MakeElcrPorts();
  std::shared_ptr<Device> MakeIoApicWindow();  // IoApic::kBase, IoApic::kLength

 protected:
  PcIrqChip() = default;
  void EndOfInterrupt(u8 vector) override { ioapic_.EndOfInterrupt(vector); }
  void OnPinEnded(u32 pin) override;

  // With the lock held.
  u8 TakePicVector();
  void ResetPins();
  // Of controllers that have been loaded. What others have latched they latch again.
  void LoadLines(const IoApicState& state);

  mutable Mutex mu_{LockRank::kIrqChip};  // guards all that this and the derived class hold
  PicPair pic_;
  IoApic ioapic_{*this};

 private:
  class PicPorts;
  class ElcrPorts;
  class IoApicWindow;

  // The guest or a line has changed them. With the lock held.
  virtual void OnPicChanged() = 0;
  virtual void OnIoApicWritten() = 0;

  void FollowLine(Gsi gsi);
  void EndLatch(Gsi gsi);
  void EndPicLatches();
  void AfterPicAccess();

  // A bit a GSI: as devices have set them, and latches. Guarded by mu_, as is the handler.
  u32 lines_ = 0;
  u32 latches_ = 0;
  std::function<void(Gsi)> on_latch_end_ = [](Gsi) {};
};

}  // namespace tandem::devices
