#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cpu/state/cpu_state.h"
#include "devices/bus/irq.h"

namespace tandem::accel {

enum class BreakpointKind : u8 { kExecute, kWrite, kAccess };

// Why Vcpu::Run returned.
struct Halted {};    // HLT with nothing to wake it: call Run again once a signal has come
struct Kicked {};    // Kick was called
struct Stepped {};   // one instruction was done, as DebugSpec asked
struct ShutDown {};  // a triple fault: only a reset helps
// In front of an instruction, or behind one that accessed watched bytes.
struct HitBreakpoint {
  BreakpointKind kind = BreakpointKind::kExecute;
  u64 address = 0;       // linear: of the breakpoint
  bool is_int3 = false;  // the instruction in front is an INT3, and stops_at_int3 was set
};
struct Fatal {  // the engine cannot go on
  std::string message;
};
using Exit = std::variant<Halted, Kicked, Stepped, HitBreakpoint, ShutDown, Fatal>;

// A breakpoint of a debugger's, in linear addresses. length: 1, 2, 4 or 8 bytes, aligned to itself;
// 1 for kExecute.
struct Breakpoint {
  BreakpointKind kind = BreakpointKind::kExecute;
  u64 address = 0;
  u8 length = 1;
};
inline constexpr size_t kMaxBreakpoints = 4;  // what debug registers hold

// What a debugger wants of one vCPU. While there are breakpoints, the guest's own debug registers
// may have no effect. An instruction that Run stopped in front of for kExecute is executed by the
// next Run; for an INT3 of its own the debugger puts the guest's byte back first.
struct DebugSpec {
  bool single_step = false;
  bool stops_at_int3 = false;           // the debugger has written INT3s into the guest's code
  std::vector<Breakpoint> breakpoints{};  // kMaxBreakpoints at most

  bool IsOn() const { return single_step || stops_at_int3 || !breakpoints.empty(); }
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
