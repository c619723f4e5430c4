#pragma once

#include <optional>

#include "tests/differential/form.h"

namespace tandem::cpu {

// One instruction in bytes, with all that its inputs must keep to.
struct Single {
  MachineMode mode = MachineMode::kLong;
  std::vector<u8> code;
  Inst inst;
};

// An encoding of the form with random registers, addressing form and constants, whose memory
// operand can be made to reach the data. Nothing: none was found in some attempts.
std::optional<Single> MakeSingle(Random& random, const Form& form, const CpuModel& model);
// Random bytes of an encoding's outer form, which may mean anything.
std::optional<Single> MakeRandomSingle(Random& random, const CpuModel& model, Choice choice);
// Bytes that are no instruction of any processor.
std::optional<Single> MakeUnknownSingle(Random& random);

}  // namespace tandem::cpu
