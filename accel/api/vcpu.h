#pragma once

#include <string>
#include <variant>

#include "cpu/state/cpu_state.h"
#include "devices/bus/irq.h"

namespace tandem::accel {

// Why Vcpu::Run returned.
struct Halted {};    // HLT with nothing to wake it: call Run again once a signal has come
struct Kicked {};    // Kick was called
struct Stepped {};   // one instruction was done, as DebugSpec asked
struct ShutDown {};  // a triple fault: only a reset helps
struct Fatal {       // the engine cannot go on
  std::string message;
};
using Exit = std::variant<Halted, Kicked, Stepped, ShutDown, Fatal>;

// What a debugger wants of one vCPU.
struct DebugSpec {
  bool single_step = false;
};

enum class SignalKind : u8 { kInterrupt, kNmi, kInit, kStartup };

// One virtual processor of an accelerator.
class Vcpu {
 public:
  virtual ~Vcpu() = default;

  // Own thread only: executes the guest until an Exit. Memory and port I/O are served inside.
  virtual Exit Run() = 0;

  // Any thread, signal-safe: makes Run return Kicked soon; sticky when it is not running.
  virtual void Kick() noexcept = 0;
  // Any thread: what an interrupt controller has for this processor. vector: of kStartup.
  virtual void Signal(SignalKind kind, u8 vector) noexcept = 0;

  // Own thread, or while it is parked.
  virtual void Save(cpu::CpuState& state) const = 0;
  virtual void Load(const cpu::CpuState& state) = 0;
  virtual void SetDebug(const DebugSpec& spec) = 0;
};

}  // namespace tandem::accel
