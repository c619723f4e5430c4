#pragma once

#include <functional>
#include <memory>

#include "accel/lockstep/journal.h"
#include "devices/bus/clock.h"
#include "devices/bus/device.h"
#include "devices/bus/irq.h"

// The world as the master sees it: all that it learns from it is written down.
namespace tandem::accel::lockstep {

// Stands in front of a device. after_access: on the vCPU's thread, with no lock of the device held.
class RecordingDevice final : public devices::Device {
 public:
  RecordingDevice(Journal& journal, u32 number, std::shared_ptr<devices::Device> device,
                  std::function<void()> after_access)
      : Device(LockRank::kMachine),
        journal_(journal),
        number_(number),
        device_(std::move(device)),
        after_access_(std::move(after_access)) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override {}

  Journal& journal_;
  const u32 number_;
  const std::shared_ptr<devices::Device> device_;
  const std::function<void()> after_access_;
};

class RecordingClock final : public devices::Clock {
 public:
  RecordingClock(Journal& journal, const devices::Clock& clock)
      : journal_(journal), clock_(clock) {}
  u64 NowNs() const override;

 private:
  void OnNextDeadlineChanged() override {}

  Journal& journal_;
  const devices::Clock& clock_;
};

// is_stepped: the replica reads and writes the priority when it likes, so that is left out.
class RecordingApic final : public devices::LocalApic {
 public:
  RecordingApic(Journal& journal, devices::LocalApic& apic, bool is_stepped)
      : journal_(journal), apic_(apic), is_stepped_(is_stepped) {}

  u32 ReadRegister(u32 offset) override;
  void WriteRegister(u32 offset, u32 value) override;
  std::optional<u64> ReadMsr(u32 index) override;
  bool WriteMsr(u32 index, u64 value) override;
  u8 TaskPriority() const override;
  void SetTaskPriority(u8 priority_class) override;
  void Reset() override { apic_.Reset(); }

 private:
  void Record(Event event) const;

  Journal& journal_;
  devices::LocalApic& apic_;
  const bool is_stepped_;
};

// on_vector: the master is between instructions and takes it.
class RecordingIrqs final : public devices::IrqChip {
 public:
  RecordingIrqs(Journal& journal, devices::IrqChip& irqs, bool is_stepped,
                std::function<void(u8)> on_vector);

  void SetLine(devices::Gsi gsi, bool level) override { irqs_.SetLine(gsi, level); }
  void SendMsi(devices::MsiMessage message) override { irqs_.SendMsi(message); }
  std::optional<u8> TakeVector(devices::VcpuId vcpu) override;
  bool HasVector(devices::VcpuId vcpu) const override { return irqs_.HasVector(vcpu); }
  devices::LocalApic* Apic(devices::VcpuId) override { return apic_.get(); }
  void Reset() override { irqs_.Reset(); }

 private:
  devices::IrqChip& irqs_;
  const std::function<void(u8)> on_vector_;
  std::unique_ptr<RecordingApic> apic_;  // null: it has none
};

}  // namespace tandem::accel::lockstep
