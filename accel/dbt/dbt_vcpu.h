#pragma once

#include <atomic>
#include <optional>

#include "accel/api/accelerator.h"
#include "cpu/exec/interpreter.h"

namespace tandem::accel {

// A vCPU on the interpreter: interrupts, start-up signals, halting, instruction-counted time.
class DbtVcpu final : public Vcpu {
 public:
  DbtVcpu(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env);
  ~DbtVcpu() override;

  Exit Run() override;
  void Kick() noexcept override;
  void Signal(SignalKind kind, u8 vector) noexcept override;
  void Save(cpu::CpuState& state) const override { state = state_; }
  void Load(const cpu::CpuState& state) override;
  void SetDebug(const DebugSpec& spec) override { debug_ = spec; }

 private:
  enum Event : u32 {
    kInterruptEvent = 1u << 0,
    kNmiEvent = 1u << 1,
    kInitEvent = 1u << 2,
    kStartupEvent = 1u << 3,
    kKickEvent = 1u << 4,
  };

  void Post(u32 events) noexcept;
  bool Take(u32 event) noexcept { return (events_.fetch_and(~event) & event) != 0; }

  void ServeEvents();
  void DoInit();
  void DoStartup();
  void OfferInterrupt();
  void Execute();
  std::optional<Exit> WhenInactive();

  const devices::VcpuId id_;
  const VcpuEnv env_;
  cpu::CpuState state_;
  std::atomic<u32> events_{0};
  std::atomic<u8> startup_vector_{0};
  DebugSpec debug_;
  cpu::Interpreter interpreter_;
};

}  // namespace tandem::accel
