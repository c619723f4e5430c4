#pragma once

#include <memory>

#include "accel/lockstep/journal.h"
#include "devices/bus/clock.h"
#include "devices/bus/device.h"
#include "devices/bus/irq.h"

// The world as the replica sees it: the journal answers.
namespace tandem::accel::lockstep {

// A change of the memory map may follow on an access, under its lock.
class ReplayingDevice final : public devices::Device {
 public:
  ReplayingDevice(Journal& journal, u32 number)
      : Device(LockRank::kMachine), journal_(journal), number_(number) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  Journal& journal_;
  const u32 number_;
};

class ReplayingClock final : public devices::Clock {
 public:
  explicit ReplayingClock(Journal& journal) : journal_(journal) {}
  u64 NowNs() const override;

 private:
  void OnNextDeadlineChanged() override {}

  Journal& journal_;
};

// apic: the real one, which is asked while the journal is closed.
class ReplayingApic final : public devices::LocalApic {
 public:
  ReplayingApic(Journal& journal, devices::LocalApic& apic, bool is_stepped)
      : journal_(journal), apic_(apic), is_stepped_(is_stepped) {}

  u32 ReadRegister(u32 offset) override;
  void WriteRegister(u32 offset, u32 value) override;
  std::optional<u64> ReadMsr(u32 index) override;
  bool WriteMsr(u32 index, u64 value) override;
  u8 TaskPriority() const override;
  void SetTaskPriority(u8 priority_class) override;
  void Reset() override {}

 private:
  Journal& journal_;
  devices::LocalApic& apic_;
  const bool is_stepped_;
};

// Interrupts come to the replica by Replica::TakeInterrupt alone.
class ReplayingIrqs final : public devices::IrqChip {
 public:
  ReplayingIrqs(Journal& journal, devices::IrqChip& irqs, bool is_stepped);

  void SetLine(devices::Gsi, bool) override {}
  void SendMsi(devices::MsiMessage) override {}
  std::optional<u8> TakeVector(devices::VcpuId) override { return std::nullopt; }
  bool HasVector(devices::VcpuId) const override { return false; }
  devices::LocalApic* Apic(devices::VcpuId) override { return apic_.get(); }
  void Reset() override {}

 private:
  std::unique_ptr<ReplayingApic> apic_;
};

}  // namespace tandem::accel::lockstep
