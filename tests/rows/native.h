#pragma once

#include <span>

#include "cpu/state/cpu_state.h"

namespace tandem::cpu {

// Runs 64-bit user code on the host itself with a given register state, at the addresses of
// kLongLayout. One at a time in a process: the addresses are fixed. Main thread only.
class NativeRunner {
 public:
  NativeRunner();
  ~NativeRunner();
  NativeRunner(const NativeRunner&) = delete;
  NativeRunner& operator=(const NativeRunner&) = delete;

  // False: the addresses are taken.
  bool is_usable() const { return region_ != nullptr; }

  // Executes code with the GPRs, arithmetic flags, x87, MXCSR and vector registers of state, which
  // are replaced by those after it. Returns 0, or the signal that stopped it; state.rip is then
  // that of the faulting instruction.
  int Run(CpuState& state, std::span<const u8> code);

  // Memory at kLongLayout.data and around kLongLayout.stack.
  std::span<std::byte> data() const;
  std::span<std::byte> stack() const;

 private:
  void Emit();
  u8* region_ = nullptr;
};

}  // namespace tandem::cpu
