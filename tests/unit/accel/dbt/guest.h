#pragma once

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "accel/dbt/dbt_accelerator.h"
#include "accel/run/run_control.h"
#include "cpu/state/model_parser.h"
#include "devices/irqchip/soft_irq_chip.h"

namespace tandem::accel {

// Port 0xe9: what the guest reports.
class Reports final : public devices::Device {
 public:
  // Waits, at most half a minute, until as much was reported; what was.
  std::string WaitFor(size_t count) {
    UniqueLock lock(mu_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return text_.size() >= count; });
    return text_;
  }

 private:
  void DoRead(u64, std::span<std::byte> data) override { devices::SetAccessValue(data, 0xff); }
  void DoWrite(u64, std::span<const std::byte> data) override {
    text_ += static_cast<char>(data[0]);
    changed_.notify_all();
  }
  void DoReset() override {}

  CondVar changed_;
  std::string text_;
};

// Processors on the translator, a megabyte of RAM with code of guest.asm, and local APICs.
class Guest {
 public:
  enum class Time { kStands, kCounted };

  Guest(const std::string& image, u32 vcpus, Time time = Time::kStands) : irqs(vcpus, clock, run) {
    const u64 size = u64{1} << 20;
    auto ram = *devices::RamBlock::Create("ram", size);
    std::ifstream file("tests/unit/accel/dbt/" + image + ".bin", std::ios::binary);
    file.read(reinterpret_cast<char*>(ram->data() + kStart), 0x2000);
    (void)*memory.MapRam(Gpa(0), size, ram, 0, false);
    (void)*ports.MapIo(Gpa(0xe9), 1, reports);
    model = cpu::ParseCpuModel("max", accelerator->Features(), {1, vcpus, 1}, vcpus).value().model;
    devices::InstructionClock* const icount = time == Time::kCounted ? &clock : nullptr;
    for (u32 id = 0; id < vcpus; ++id) {
      run.Add(*accelerator->MakeVcpu(id, model, {memory, ports, irqs, clock, icount}));
    }
    SetStart();
  }
  ~Guest() { run.Stop(); }

  // Of a paused machine.
  cpu::CpuState State(u32 vcpu) {
    cpu::CpuState state;
    run.vcpu(vcpu).Save(state);
    return state;
  }

  devices::AddressSpace memory, ports;
  devices::InstructionClock clock{0};
  std::shared_ptr<Reports> reports = std::make_shared<Reports>();
  std::unique_ptr<Accelerator> accelerator = MakeDbtAccelerator({});
  cpu::CpuModel model;
  RunControl run{[](devices::VcpuId, const Exit&) {}};
  devices::SoftIrqChip irqs;

 private:
  static constexpr u64 kStart = 0x1000;

  void SetStart() {
    cpu::CpuState state = State(0);
    state.Seg(cpu::SegReg::kCs).selector = 0;
    state.Seg(cpu::SegReg::kCs).base = 0;
    state.rip = kStart;
    run.vcpu(0).Load(state);
  }
};

}  // namespace tandem::accel
