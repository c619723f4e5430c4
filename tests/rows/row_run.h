#pragma once

#include <string>
#include <vector>

#include "cpu/decode/inst.h"
#include "tests/rows/compare.h"
#include "tests/rows/row.h"

namespace tandem::cpu {

// Empty where the bytes are not whole instructions. What follows an undefined one is part of it.
std::vector<Inst> InstructionsOf(const Row& row);
// All instructions of the row, "; " between them.
std::string Disassembly(const Row& row);
// Whether the model has the row's instructions and registers.
bool IsOffered(const CpuModel& model, const Row& row);
// Of the row's instructions, and the handler's HLT after one that completes with an interrupt.
u64 CountOf(const Row& row);
// Several instructions with a branch among them: how many are executed is not known.
bool Jumps(const Row& row);

// Runs this code, which is the row's or begins with it, from what the row says. What is not as the
// row says as text below `how`; empty: nothing. ended: how it did.
std::string RunRow(Machine& machine, const Row& row, std::span<const u8> code, u64 count,
                   const char* how, Exceptions* ended = nullptr);

}  // namespace tandem::cpu
