#pragma once

#include <span>
#include <string_view>

#include "cpu/decode/inst.h"

namespace tandem::cpu {

// Inst::mnemonic in lower case.
std::string_view MnemonicName(u16 mnemonic);

// The EFLAGS bits that the manual leaves undefined after the instruction at the start of code, at
// least for some operands. 0 for what is no instruction.
u32 UndefinedFlags(DecodeMode mode, std::span<const std::byte> code);

// Whether the bytes are no instruction of any processor that Zydis knows.
bool IsUnknownEverywhere(DecodeMode mode, std::span<const std::byte> code);

// EVEX only: zeroing instead of merging, broadcast or rounding control. SDM Vol. 2, 2.7.
bool HasEvexZeroing(const Inst& inst);
bool HasEvexBroadcast(const Inst& inst);

}  // namespace tandem::cpu
