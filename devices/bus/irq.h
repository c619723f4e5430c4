#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/ints.h"

namespace tandem::devices {

using VcpuId = u32;  // index, 0 is the bootstrap processor
using Gsi = u32;     // global system interrupt: 0-15 ISA, 16-23 PCI (IOAPIC pins)

// A message-signalled interrupt as PCI defines it: a write of data to address (0xfeexxxxx).
struct MsiMessage {
  u64 address = 0;
  u32 data = 0;
};

// One vCPU's local APIC. Called by that vCPU's own thread only. SDM Vol. 3, "APIC".
class LocalApic {
 public:
  virtual ~LocalApic() = default;

  // The page at ApicBase() in xAPIC mode; offset 0 to 0xfff, 32-bit registers at multiples of 16.
  virtual u32 ReadRegister(u32 offset) = 0;
  virtual void WriteRegister(u32 offset, u32 value) = 0;
  // IA32_APIC_BASE (0x1b), IA32_TSC_DEADLINE (0x6e0) and, in x2APIC mode, 0x800-0x8ff.
  // Nothing or false: the access faults with #GP(0).
  virtual std::optional<u64> ReadMsr(u32 index) = 0;
  virtual bool WriteMsr(u32 index, u64 value) = 0;
  // CR8: the task priority class, 0-15.
  virtual u8 TaskPriority() const = 0;
  virtual void SetTaskPriority(u8 priority_class) = 0;
  // What INIT does to a local APIC; the base address and the APIC ID stay.
  virtual void Reset() = 0;
};

// All interrupt controllers of a machine seen as one. SetLine and SendMsi: any thread.
class IrqChip {
 public:
  virtual ~IrqChip() = default;
  virtual void SetLine(Gsi gsi, bool level) = 0;
  virtual void SendMsi(MsiMessage message) = 0;

  // The vCPU's own thread: the vector to be delivered now, acknowledged; nothing if there is none
  // (any more). The 8259 pair answers through the bootstrap processor (ExtINT).
  virtual std::optional<u8> TakeVector(VcpuId vcpu) = 0;
  // Whether TakeVector would answer with a vector. The vCPU's own thread.
  virtual bool HasVector(VcpuId vcpu) const = 0;
  // Null: the vCPU has its APIC elsewhere (in the kernel). Lives as long as the chip.
  virtual LocalApic* Apic(VcpuId vcpu) = 0;
  // All controllers to power-on state; the vCPUs stand still.
  virtual void Reset() = 0;
};

// Local APICs that an accelerator has in the kernel, as an I/O APIC of ours sees them.
class ApicFabric {
 public:
  virtual ~ApicFabric() = default;
  // Any thread; blocks for no vCPU.
  virtual void SendMsi(MsiMessage message) = 0;
  // What an I/O APIC pin sends from now on; masked: nothing. Tells the fabric which vectors are
  // level-triggered.
  virtual void SetPinMessage(u32 pin, MsiMessage message, bool is_masked) = 0;
  // Called on a vCPU's thread when a local APIC has ended a level-triggered vector. Set before a
  // vCPU runs.
  virtual void SetEoiHandler(std::function<void(u8 vector)> handler) = 0;
  // All local APICs to power-on state; the vCPUs stand still.
  virtual void Reset() = 0;
};

// How interrupt controllers reach processors. Any thread, never blocks; implemented above devices.
class CpuSignals {
 public:
  virtual ~CpuSignals() = default;
  // HasVector(vcpu) may have become true: wakes it from HLT and ends translated code soon.
  virtual void InterruptPending(VcpuId vcpu) = 0;
  virtual void SendNmi(VcpuId vcpu) = 0;
  virtual void SendInit(VcpuId vcpu) = 0;
  // Start-up IPI: begins in real mode at vector << 12 if the vCPU waits for it.
  virtual void SendStartup(VcpuId vcpu, u8 vector) = 0;
};

// One wire into an interrupt controller. Copyable; an unconnected one swallows what is set.
class IrqLine {
 public:
  IrqLine() = default;
  IrqLine(IrqChip& chip, Gsi gsi) : chip_(&chip), gsi_(gsi) {}

  // Level: true asserts. Any thread.
  void Set(bool level) const {
    if (chip_ != nullptr) {
      chip_->SetLine(gsi_, level);
    }
  }
  // An edge.
  void Pulse() const {
    Set(true);
    Set(false);
  }

 private:
  IrqChip* chip_ = nullptr;
  Gsi gsi_ = 0;
};

}  // namespace tandem::devices
