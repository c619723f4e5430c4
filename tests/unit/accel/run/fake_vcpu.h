#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "accel/api/vcpu.h"

namespace tandem::accel {

// What a fake guest does.
enum class Guest { kSpins, kHalts, kShutsDown };

// A vCPU without a guest that counts what is asked of it. The counts may be read by any thread.
class FakeVcpu final : public Vcpu {
 public:
  explicit FakeVcpu(Guest guest) : guest_(guest) {}

  Exit Run() override {
    ++runs;
    if (guest_ == Guest::kShutsDown) {
      return ShutDown{};
    }
    is_running = true;
    while (guest_ == Guest::kSpins && !was_kicked_) {
      std::this_thread::yield();
    }
    is_running = false;
    if (was_kicked_.exchange(false)) {
      return Kicked{};
    }
    return Halted{};
  }
  void Kick() noexcept override { was_kicked_ = true; }
  void Signal(SignalKind kind, u8 vector) noexcept override {
    last_kind = kind;
    last_vector = vector;
    ++signals;
  }
  void Save(cpu::CpuState& state) const override { state.rip = rip; }
  void Load(const cpu::CpuState& state) override { rip = state.rip; }
  void SetDebug(const DebugSpec&) override {}

  std::atomic<int> runs{0}, signals{0};
  std::atomic<bool> is_running{false};
  std::atomic<SignalKind> last_kind{SignalKind::kInterrupt};
  std::atomic<u8> last_vector{0};
  u64 rip = 0;

 private:
  const Guest guest_;
  std::atomic<bool> was_kicked_{false};
};

// Waits, at most half a minute, for what another thread is to do.
inline bool Eventually(const std::function<bool()>& condition) {
  for (int ms = 0; ms < 30'000 && !condition(); ++ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

// For what must not happen: long enough for a thread to do it.
inline void WaitAWhile() { std::this_thread::sleep_for(std::chrono::milliseconds(30)); }

}  // namespace tandem::accel
