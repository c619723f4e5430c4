#pragma once

#include <functional>
#include <vector>

#include "cpu/decode/inst.h"
#include "tests/differential/values.h"

namespace tandem::cpu {

// What in an encoding says which instruction it is; registers, addresses and immediates are free.
struct Skeleton {
  Encoding encoding = Encoding::kLegacy;
  u8 map = 0;     // 0: one byte, 1: 0F, 2: 0F38, 3: 0F3A
  u8 prefix = 0;  // 66, F2, F3 or none; of VEX and EVEX what pp stands for
  u8 opcode = 0;
  u8 modrm = 0;                   // mod is 3 or 0, for memory
  bool has_operand_size = false;  // 66 besides F2 or F3
  bool has_address_size = false;
  bool has_lock = false;
  bool has_rex = false;
  bool is_wide = false;       // REX.W and its like
  u8 vector_length = 0;       // L, or L'L
  bool is_broadcast = false;  // EVEX.b
  u8 masking = 0;             // EVEX: 1 with an opmask, 2 zeroing besides

  bool IsRegister() const { return modrm >= 0xc0; }
};

// Calls visit for all encodings that mean something else by their opcode, prefixes and sizes, in
// code of so many bits.
void ForEachSkeleton(u8 bits, const std::function<void(const Skeleton&)>& visit);

// Which parts of an encoding are chosen at random.
struct Freedom {
  bool has_random_reg = false;   // ModRM.reg
  bool has_random_rest = false;  // other register fields, addressing form, displacement
};

// 15 bytes that start with such an instruction; what follows ModRM is random.
std::vector<u8> Encode(const Skeleton& skeleton, u8 bits, Freedom freedom, Random& random);

}  // namespace tandem::cpu
