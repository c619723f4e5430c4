#pragma once

#include <optional>
#include <span>

#include "cpu/state/cpu_state.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// Runs user code on the host itself with a given register state, at the addresses of the layouts
// for modes under long mode: 64-bit, and 32- and 16-bit code by far jumps to segments for these.
// One at a time in a process: the addresses are fixed. Main thread only.
class NativeRunner {
 public:
  static constexpr u8 kNoEnd = 255;  // stands for an exception's vector: the code ran for too long

  NativeRunner();
  ~NativeRunner();
  NativeRunner(const NativeRunner&) = delete;
  NativeRunner& operator=(const NativeRunner&) = delete;

  // False: the addresses are taken.
  bool is_usable() const { return region_ != nullptr; }
  // Whether the host lets a process have segments for this mode.
  bool Has(MachineMode mode) const { return mode != MachineMode::kCompat16 || has_16_bit_; }

  // Some kernels' KVM_RUN takes the LDT away from the thread that called it: it is written again
  // before the next run that needs it.
  void KvmHasRun() { has_segments_ = false; }

  // What stands behind the code: a jump that leaves it, which costs less than a signal, or as in
  // machines a HLT. These differ for an instruction that goes on there.
  enum class End : u8 { kJump, kHlt };
  // HLTs surround the code: where it comes to one of these it ends.
  void PutCode(MachineMode mode, std::span<const u8> code, End end = End::kJump);

  // Executes the code with the GPRs, arithmetic flags, GS base, x87, MXCSR and vector registers of
  // state, which are replaced by those after it; state.rip is where it ended, at an exception that
  // of the faulting instruction. The exception's rip and rflags are not filled.
  std::optional<Machine::Exception> Run(CpuState& state);

  // Memory at kLongLayout.data and around kLongLayout.stack.
  std::span<std::byte> data() const;
  std::span<std::byte> stack() const;

 private:
  bool IsEnd(u64 rip) const;

  u8* region_ = nullptr;
  u8* code_ = nullptr;  // the code's pages, writable; at their own address they are not
  bool has_16_bit_ = false, has_segments_ = false;  // in the LDT
  MachineMode mode_ = MachineMode::kLong;
  size_t code_size_ = 0;
};

}  // namespace tandem::cpu
