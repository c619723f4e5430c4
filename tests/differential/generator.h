#pragma once

#include <optional>
#include <random>
#include <span>
#include <vector>

#include "cpu/decode/inst.h"
#include "cpu/state/cpu_state.h"

namespace tandem::cpu {

using Random = std::mt19937_64;

// One instruction with the state it starts from.
struct Trial {
  std::vector<u8> code;
  Inst inst;
};

// Which instructions are tried.
enum class Choice : u8 { kAll, kAvx512 };

// Whether the instruction's result depends on registers and ordinary memory alone, on any processor
// of this model: no transfer of control, no system register.
bool IsTestable(const Inst& inst, const CpuModel& model);
// Flags that some processors leave as they were and the translator does not, having no meaning.
u32 UndefinedFlags(const Inst& inst);
// Bytes that may or may not be an instruction.
std::vector<u8> RandomBytes(Random& random, Choice choice);
bool HasMemory(const Inst& inst);
u64 RandomValue(Random& random);  // odd ones among them

// Random bytes that decode to a user-mode instruction of 64-bit mode whose result depends on
// registers and the data buffer alone. Nothing: try again.
std::optional<Trial> MakeTrial(Random& random, const CpuModel& model, Choice choice);

// Random values, odd ones among them, for all registers; then the address registers of the
// instruction so that it reaches the data buffer or the stack.
void FillState(Random& random, const Inst& inst, CpuState& state);
// GPRs, vectors and flags.
void FillRegisters(Random& random, CpuState& state);
void FillX87(Random& random, FxImage& fx);
void FillData(Random& random, std::span<std::byte> data);

}  // namespace tandem::cpu
