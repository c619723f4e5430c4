#pragma once

#include <array>

#include "base/ints.h"
#include "cpu/state/cpu_model.h"
#include "cpu/state/registers.h"

namespace tandem::cpu {

enum class Op : u16 {
  kInvalid,  // no such instruction: #UD
  kTooLong,  // more than 15 bytes: #GP(0)
  kHost,     // data instruction, executed by the host (HostClass says with which state)
#define OP(id, mnemonic) k##id,
#define ALSO(id, mnemonic)
#include "cpu/decode/ops.inc"
#undef ALSO
#undef OP
  kCount,
};

// Which register state an Op::kHost instruction works on.
enum class HostClass : u8 { kNone, kGeneral, kX87, kMmx, kSse, kAvx, kAvx512 };

enum class OperandKind : u8 {
  kNone,
  kGpr,        // reg: Gpr; of 1-byte size without REX, 4-7 are kHighByte instead
  kHighByte,   // reg: 0-3 for AH, CH, DH, BH
  kMemory,     // Inst::mem
  kImmediate,  // Inst::immediate
  kSegment,    // reg: SegReg
  kControl,    // reg: CR number
  kDebug,      // reg: DR number
  kVector,     // reg: 0-31; size 16, 32 or 64
  kMmx,
  kX87,         // reg: stack index
  kMask,        // reg: k0-k7
  kFarPointer,  // Inst::immediate: offset, Inst::immediate2: selector
};

struct Operand {
  OperandKind kind = OperandKind::kNone;
  u8 reg = 0;
  u16 size = 0;  // bytes
  bool is_read = false;
  bool is_written = false;

  bool IsRegister() const { return kind == OperandKind::kGpr || kind == OperandKind::kHighByte; }
  bool IsMemory() const { return kind == OperandKind::kMemory; }
  bool operator==(const Operand&) const = default;
};

inline constexpr u8 kNoRegister = 16;  // CpuState::gpr[16] is always zero
inline constexpr u8 kRipRegister = 17;

// base + (index << scale) + displacement, cut to address_size bytes, in segment.
struct MemoryOperand {
  u8 base =
      kNoRegister;  // Gpr, kNoRegister or kRipRegister (then relative to the next instruction)
  u8 index = kNoRegister;
  u8 scale = 0;  // shift count 0-3
  SegReg segment = SegReg::kDs;
  u8 address_size = 8;        // bytes
  bool is_vsib = false;       // index is a vector register
  u8 vector_index_size = 16;  // its bytes then: 16, 32 or 64
  i64 displacement = 0;

  bool operator==(const MemoryOperand&) const = default;
};

enum class Encoding : u8 { kLegacy, kVex, kEvex };

// Fields of an encoding that name a general register other than AH, CH, DH and BH.
enum GprField : u8 {
  kModrmReg = 1,
  kModrmRm = 2,  // ModRM.mod is 3
  kVvvv = 4,
  kOpcodeLow = 8,  // the low three bits of the opcode
};

// The opmask of an EVEX instruction (it is no operand of Inst) and what it spares of the memory
// operand. The operand consists of elements; bit j of the mask governs element j modulo their
// number (one serves many bits where it is broadcast). Those that no bit selects are not accessed
// and cannot fault. SDM Vol. 2, 2.7.
struct Masking {
  u8 reg = 0;           // k1-k7; 0: no mask
  u8 bits = 0;          // how many of the register's bits count
  u8 element_size = 0;  // bytes in memory; 0: memory is accessed as without a mask
  // Compress and expand: memory holds as many elements, without gaps, as there are bits set.
  bool is_packed = false;
  // Elements that are not selected are not written, but can fault (VEXTRACTF32X4).
  bool faults_whole = false;

  bool operator==(const Masking&) const = default;
};

enum class Repeat : u8 { kNone, kRep, kRepne };

// One decoded guest instruction.
struct Inst {
  Op op = Op::kInvalid;
  u16 mnemonic = 0;     // for names only (MnemonicName)
  u8 length = 0;        // bytes, 1-15
  u8 operand_size = 0;  // effective: 2, 4 or 8 bytes
  u8 address_size = 0;
  u8 stack_size = 0;     // width of implicit stack accesses
  u8 operand_count = 0;  // explicit operands
  u8 condition = 0;      // Jcc, SETcc, CMOVcc: the low 4 bits of the opcode
  Repeat repeat = Repeat::kNone;
  bool has_lock = false;
  bool is_far = false;
  HostClass host_class = HostClass::kNone;
  Feature feature = Feature::kCount;  // CPUID flag without which it is #UD; kCount: always there
  bool needs_avx512vl = false;        // and that flag too
  std::array<Operand, 4> operands{};
  MemoryOperand mem{};
  Masking masking{};
  u64 immediate = 0;   // sign-extended; of near branches the displacement
  u16 immediate2 = 0;  // ENTER's level, far pointers' selector
  bool uses_mxcsr = false;
  bool never_raises_xm = false;  // MXCSR's masks and flags have no part in it: {sae}, VRCP14PS
  u8 alignment = 0;              // the memory operand must be a multiple of it, else #GP(0); 0: any
  u32 vectors_read = 0;          // bit n: vector register n
  u32 vectors_written = 0;
  u8 masks_read = 0;  // bit n: opmask register n
  u8 masks_written = 0;
  u32 gprs_read = 0;  // bit n: Gpr n, address registers included
  u32 gprs_written = 0;
  u32 gprs_hidden = 0;  // of both: data registers that are no operand (RDX of MULX)
  u32 flags_read = 0;   // EFLAGS bits
  u32 flags_written = 0;
  // Where the parts of the encoding lie in bytes: what a translator rewrites.
  Encoding encoding = Encoding::kLegacy;
  u8 gpr_fields = 0;  // GprField bits
  u8 opcode_at = 0;   // first byte after prefixes (legacy: of the opcode with its escape bytes)
  u8 modrm_at = 0;    // 0: there is none
  u8 tail_at = 0;     // first byte after opcode, ModRM, SIB and displacement: the immediates
  std::array<u8, 15> bytes{};

  bool operator==(const Inst&) const = default;
};

// The memory operand; null if there is none.
inline const Operand* MemoryOperandOf(const Inst& inst) {
  for (u8 i = 0; i < inst.operand_count; ++i) {
    if (inst.operands[i].IsMemory()) {
      return &inst.operands[i];
    }
  }
  return nullptr;
}

inline bool HasOperand(const Inst& inst, OperandKind kind) {
  for (u8 i = 0; i < inst.operand_count; ++i) {
    if (inst.operands[i].kind == kind) {
      return true;
    }
  }
  return false;
}

// Whether a processor of this model has the instruction.
inline bool IsOffered(const CpuModel& model, const Inst& inst) {
  return (inst.feature == Feature::kCount || model.Has(inst.feature)) &&
         (!inst.needs_avx512vl || model.Has(Feature::kAvx512vl));
}

// How code bytes are to be understood.
struct DecodeMode {
  u8 bits = 64;           // 16, 32 or 64: CS.D and CS.L
  bool is_real = false;   // real-address or virtual-8086 mode
  bool has_lzcnt = true;  // otherwise the encoding means BSR
  bool has_tzcnt = true;  // otherwise BSF
};

}  // namespace tandem::cpu
