#pragma once

#include <string>
#include <unordered_map>

#include "cpu/decode/inst.h"
#include "cpu/exec/code_arena.h"
#include "cpu/exec/step.h"

namespace tandem::cpu {

// What a thunk works on besides CpuState. Known to emitted code.
struct alignas(64) HostBuffer {
  u8 memory[128];   // the memory operand
  u32 guest_mxcsr;  // loaded before, stored after the instruction
  u32 host_mxcsr;   // loaded at the end
};

// One guest instruction as a host function: loads the registers it uses from the state, executes
// it on the memory in the buffer, stores the registers it writes. flags: the arithmetic flags
// before; returns the host's flags after.
struct HostThunk {
  u64 (*run)(CpuState* state, HostBuffer* buffer, u64 flags) = nullptr;
};

// Makes and keeps thunks: instructions that differ only in their memory operand share one.
class HostThunks {
 public:
  HostThunks() : arena_(kArenaSize) {}

  // Null: the host cannot execute it. Stays valid until Clear.
  const HostThunk* Get(DecodeMode mode, const Inst& inst);

  // Few bytes are left: Clear before more blocks run.
  bool IsFull() const { return arena_.left() < kReserve; }
  // All thunks are gone; no block that refers to one may be kept.
  void Clear();

 private:
  static constexpr size_t kArenaSize = 8 << 20;
  static constexpr size_t kReserve = 64 << 10;

  CodeArena arena_;
  std::unordered_map<std::string, HostThunk> thunks_;
};

}  // namespace tandem::cpu
