#pragma once

#include <string>
#include <vector>

#include "cpu/state/cpu_model.h"
#include "tests/differential/skeleton.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// An instruction with kinds and sizes of its operands in one mode, and all encodings of it.
struct Form {
  MachineMode mode = MachineMode::kLong;
  u64 key = 0;
  std::string name;  // "64 add r32, m32"
  Inst example;
  std::vector<Skeleton> skeletons;
};

// Which instructions are tried.
enum class Choice : u8 { kAll, kAvx512 };

// What the decoder finds in all opcode maps and processors of this model have, in the modes that
// the host can run. By name.
std::vector<Form> FindForms(const CpuModel& model, Choice choice);

// The same for two instructions of one form in the same mode.
u64 FormKey(const Inst& inst);
std::string FormName(u8 bits, const Inst& inst);

}  // namespace tandem::cpu
