#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "frontend/config/machine_config.h"

namespace tandem::frontend {

// Why a machine came to its end.
enum class EndReason : u8 {
  kGuestShutdown,  // ACPI power-off
  kGuestReset,     // a reset with -no-reboot
  kGuestExit,      // isa-debug-exit: the status counts
  kUserQuit,       // Ctrl-A X
  kInternalError,
};

struct MachineEnd {
  EndReason reason;
  int status = 0;  // exit status for the process
};

// The composition root: one PC with its devices, firmware and processors. Built, used and destroyed
// on the thread that runs the loop; vCPUs have threads of their own.
class Machine {
 public:
  // on_end is posted to the loop, once. The loop outlives the machine; config need not.
  static Result<std::unique_ptr<Machine>> Build(const MachineConfig& config, EventLoop& loop,
                                                std::function<void(MachineEnd)> on_end);
  ~Machine();

  // Lets the processors run.
  void Start();
  void Pause();
  void Resume();
  // RESET of the whole machine, as the reset button does.
  void Reset();
  // Presses the ACPI power button.
  void PowerDown();
  // What the display shows in text mode, a string a row; empty without a VGA or in graphics modes.
  std::vector<std::string> TextScreen();

 private:
  struct Impl;
  explicit Machine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::frontend
