#pragma once

#include <atomic>
#include <optional>

#include "accel/api/accelerator.h"
#include "cpu/exec/interpreter.h"
#include "jit/context/context.h"
#include "jit/engine/engine.h"

namespace tandem::accel {

// A vCPU on the translator, or the interpreter alone: interrupts, start-up signals, halting,
// instruction-counted time.
class DbtVcpu final : public Vcpu {
 public:
  // shared: the machine's translated code; null: only the interpreter runs.
  DbtVcpu(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env,
          std::shared_ptr<jit::SharedCode> shared, jit::Onlooker* onlooker = nullptr);
  ~DbtVcpu() override;

  Exit Run() override;
  void Kick() noexcept override;
  void Signal(SignalKind kind, u8 vector) noexcept override;
  void Save(cpu::CpuState& state) const override { state = state_; }
  void Load(const cpu::CpuState& state) override;
  void SetDebug(const DebugSpec& spec) override;

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
  void ServeNmis();
  void DoInit();
  void DoStartup();
  void OfferInterrupt();
  void DeliverPendingEvent();
  void Execute();
  u64 Interpret(u64 limit);
  void StateChanged();
  std::optional<Exit> WhenInactive();

  // debug.cc
  std::optional<Exit> ExecuteDebugged();
  std::optional<Exit> StopInFront();
  std::optional<Exit> StopBehind();

  const devices::VcpuId id_;
  const u32 signature_;  // EDX after INIT
  const VcpuEnv env_;
  const std::unique_ptr<jit::VcpuContext> context_;
  cpu::CpuState& state_;
  std::atomic<u32>& events_;
  std::atomic<u8> startup_vector_{0};
  std::atomic<u32> nmis_{0};  // sent since kNmiEvent was taken
  DebugSpec debug_;
  std::optional<u64> reported_;  // the breakpoint that the guest stands at
  cpu::Interpreter interpreter_;
  const std::shared_ptr<jit::SharedCode> shared_;
  jit::Onlooker* const onlooker_;  // null: none
  std::optional<jit::Engine> engine_;
};

}  // namespace tandem::accel
