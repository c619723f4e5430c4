#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "accel/run/run_control.h"
#include "base/event_loop.h"
#include "devices/bus/host_clock.h"
#include "devices/irqchip/irq_event_table.h"
#include "devices/irqchip/pc_irq_chip.h"
#include "devices/legacy/pit.h"
#include "tests/accel/engines.h"
#include "tests/accel/irq_switch.h"

namespace tandem::accel::tests {

// Port 0xe9: what the guest reports.
class Reports final : public devices::Device {
 public:
  // Waits, at most a minute, until as much was reported; what was.
  std::string WaitFor(size_t count);

 private:
  void DoRead(u64, std::span<std::byte> data) override { devices::SetAccessValue(data, 0xff); }
  void DoWrite(u64, std::span<const std::byte> data) override;
  void DoReset() override {}

  CondVar changed_;
  std::string text_;
};

// A board with processors of one engine: a megabyte of RAM with a guest of guest.asm, interrupt
// controllers, a timer.
class Rig {
 public:
  static constexpr u64 kStart = 0x1000;
  static constexpr u64 kResult = 0x6000;  // guest.asm's RESULT
  static constexpr u64 kRamSize = 1u << 20;

  Rig(Engine engine, const std::string& image, u32 vcpus = 1, bool has_fallback = true);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void Start() { run.Resume(); }
  // Pauses as soon as the first processor has halted, at most after a while.
  void PauseWhenHalted();
  // What a processor's exit for good, or for a debugger, was; waits at most a minute.
  std::optional<Exit> WaitForExit();
  // Of a paused machine.
  cpu::CpuState State(u32 vcpu = 0);
  void SetState(const cpu::CpuState& state, u32 vcpu = 0) { run.vcpu(vcpu).Load(state); }
  // The state in which the guest begins.
  cpu::CpuState StartState() const;
  u32 Word(u64 address) const;
  void SetWord(u64 address, u32 value);
  VcpuEnv Env() { return {memory, ports, *irqs, clock}; }
  devices::IntervalTimer& Pit() { return own_pit_ ? *own_pit_ : *kernel_irqs_.pit; }
  // Of a paused machine: it goes on with another engine and that engine's interrupt controllers.
  // meanwhile: called when there are neither the old ones nor the new.
  void MoveTo(
      Engine engine, const std::function<void()>& meanwhile = [] {});

  EventLoop loop;
  devices::HostClock clock{loop};
  devices::AddressSpace memory, ports;
  std::shared_ptr<devices::RamBlock> ram = *devices::RamBlock::Create("ram", kRamSize);
  std::shared_ptr<Reports> reports = std::make_shared<Reports>();
  std::unique_ptr<Accelerator> accelerator;
  cpu::CpuModel model;
  RunControl run;
  std::unique_ptr<IrqSwitch> irqs;
  std::unique_ptr<devices::IrqEventTable> events;

 private:
  // Of the present accelerator, mapped; the PIT is made when irqs is in place.
  std::unique_ptr<devices::StatefulIrqChip> MakeIrqs(u32 vcpus);
  void MakePit();
  void Map(devices::AddressSpace& space, u64 address, u64 length,
           std::shared_ptr<devices::Device> device, u64 device_offset = 0);
  void UnmapIrqs();
  // The clock stands, and no timer's callback is in progress any more.
  void StopTime();
  std::vector<std::unique_ptr<Vcpu>> MakeVcpus(u32 count);

  void AttachEvents() { events->Attach({kernel_irqs_.events, latches_}); }

  KernelIrqs kernel_irqs_;
  devices::IrqLatches* latches_ = nullptr;  // null: the controllers are the kernel's
  std::shared_ptr<devices::Pit> own_pit_;   // null: it is the kernel's
  std::vector<std::pair<devices::AddressSpace*, devices::RegionId>> mapped_;

  Mutex mu_{LockRank::kLeaf};  // guards exit_
  CondVar changed_;
  std::optional<Exit> exit_;
  std::thread io_thread_;
};

}  // namespace tandem::accel::tests
