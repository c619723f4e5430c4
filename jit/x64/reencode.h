#pragma once

#include <array>
#include <span>

#include "cpu/decode/inst.h"
#include "jit/x64/host_mem.h"

namespace tandem::jit {

// The general registers that the fields of an encoding name; kNoRegister where a field names none.
struct GprFields {
  u8 modrm_reg = cpu::kNoRegister;
  u8 modrm_rm = cpu::kNoRegister;
  u8 vvvv = cpu::kNoRegister;
  u8 opcode_low = cpu::kNoRegister;

  std::array<u8, 4> all() const { return {modrm_reg, modrm_rm, vvvv, opcode_low}; }
};
GprFields GprFieldsOf(const cpu::Inst& inst, u8 code_bits);

struct Reencoding {
  u8 code_bits = 64;         // the guest's
  std::array<u8, 16> gpr{};  // host register for each guest register
  const HostMem* mem = nullptr;  // what replaces the memory operand
};

inline constexpr size_t kMaxHostLength = 24;

// Writes the same operation as 64-bit host code; returns its length. fields: of the instruction.
size_t Reencode(const cpu::Inst& inst, const GprFields& fields, const Reencoding& request,
                std::span<u8, kMaxHostLength> out);

}  // namespace tandem::jit
