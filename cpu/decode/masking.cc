#include "cpu/decode/masking.h"

#include <algorithm>

namespace tandem::cpu {
namespace {

// The exception types of the manual with fault suppression. SDM Vol. 2, 2.7.
bool SuppressesFaults(ZydisExceptionClass type) {
  switch (type) {
    case ZYDIS_EXCEPTION_CLASS_E1:
    case ZYDIS_EXCEPTION_CLASS_E2:
    case ZYDIS_EXCEPTION_CLASS_E3:
    case ZYDIS_EXCEPTION_CLASS_E4:
    case ZYDIS_EXCEPTION_CLASS_E5:
    case ZYDIS_EXCEPTION_CLASS_E6:
    case ZYDIS_EXCEPTION_CLASS_E10:
    case ZYDIS_EXCEPTION_CLASS_E11:
      return true;
    default:
      return false;
  }
}

// Zydis calls them type E4, the manual E4NF: their elements do not depend on one mask bit each.
bool IsNotByElement(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VCVTNE2PS2BF16:
    case ZYDIS_MNEMONIC_VDBPSADBW:
    case ZYDIS_MNEMONIC_VGF2P8AFFINEINVQB:
    case ZYDIS_MNEMONIC_VGF2P8AFFINEQB:
      return true;
    default:
      return false;
  }
}

bool IsPacked(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VCOMPRESSPD:
    case ZYDIS_MNEMONIC_VCOMPRESSPS:
    case ZYDIS_MNEMONIC_VEXPANDPD:
    case ZYDIS_MNEMONIC_VEXPANDPS:
    case ZYDIS_MNEMONIC_VPCOMPRESSB:
    case ZYDIS_MNEMONIC_VPCOMPRESSD:
    case ZYDIS_MNEMONIC_VPCOMPRESSQ:
    case ZYDIS_MNEMONIC_VPCOMPRESSW:
    case ZYDIS_MNEMONIC_VPEXPANDB:
    case ZYDIS_MNEMONIC_VPEXPANDD:
    case ZYDIS_MNEMONIC_VPEXPANDQ:
    case ZYDIS_MNEMONIC_VPEXPANDW:
      return true;
    default:
      return false;
  }
}

// Elements of the vector that a memory operand is spread over.
u8 ElementCount(const ZydisDecodedInstruction& from, const ZydisDecodedOperand& memory) {
  switch (from.avx.broadcast.mode) {
    case ZYDIS_BROADCAST_MODE_1_TO_2:
      return 2;
    case ZYDIS_BROADCAST_MODE_1_TO_4:
    case ZYDIS_BROADCAST_MODE_2_TO_4:
      return 4;
    case ZYDIS_BROADCAST_MODE_1_TO_8:
    case ZYDIS_BROADCAST_MODE_2_TO_8:
    case ZYDIS_BROADCAST_MODE_4_TO_8:
      return 8;
    case ZYDIS_BROADCAST_MODE_1_TO_16:
    case ZYDIS_BROADCAST_MODE_2_TO_16:
    case ZYDIS_BROADCAST_MODE_4_TO_16:
    case ZYDIS_BROADCAST_MODE_8_TO_16:
      return 16;
    case ZYDIS_BROADCAST_MODE_1_TO_32:
      return 32;
    case ZYDIS_BROADCAST_MODE_1_TO_64:
      return 64;
    default:
      return static_cast<u8>(memory.element_count);
  }
}

}  // namespace

bool IsMasked(const ZydisDecodedInstruction& from) {
  return from.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX &&
         from.avx.mask.reg > ZYDIS_REGISTER_K0 && from.avx.mask.reg <= ZYDIS_REGISTER_K7;
}

Masking MaskingOf(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands) {
  Masking result;
  if (!IsMasked(from)) {
    return result;
  }
  result.reg = static_cast<u8>(from.avx.mask.reg - ZYDIS_REGISTER_K0);
  const auto* end = operands + from.operand_count_visible;
  const auto* memory = std::find_if(operands, end, [](const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_MEMORY;
  });
  if (memory == end) {
    return result;
  }
  const bool is_written = (memory->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
  const bool is_vsib = memory->mem.type == ZYDIS_MEMOP_TYPE_VSIB;
  const bool is_suppressed =
      SuppressesFaults(from.meta.exception_class) && !IsNotByElement(from.mnemonic);
  if (!is_vsib && (is_written || is_suppressed)) {
    result.bits = ElementCount(from, *memory);
    result.element_size = static_cast<u8>(memory->element_size / 8);
    result.faults_whole = !is_suppressed;
    result.is_packed = IsPacked(from.mnemonic);
  }
  return result;
}

}  // namespace tandem::cpu
