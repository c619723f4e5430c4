#include "cpu/decode/host_class.h"

#include <algorithm>

namespace tandem::cpu {
namespace {

// Instructions on general registers that have no executor of their own.
bool IsGeneral(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_ADCX:
    case ZYDIS_MNEMONIC_ADOX:
    case ZYDIS_MNEMONIC_ANDN:
    case ZYDIS_MNEMONIC_BEXTR:
    case ZYDIS_MNEMONIC_BLSI:
    case ZYDIS_MNEMONIC_BLSMSK:
    case ZYDIS_MNEMONIC_BLSR:
    case ZYDIS_MNEMONIC_BZHI:
    case ZYDIS_MNEMONIC_CRC32:
    case ZYDIS_MNEMONIC_LZCNT:
    case ZYDIS_MNEMONIC_MULX:
    case ZYDIS_MNEMONIC_PDEP:
    case ZYDIS_MNEMONIC_PEXT:
    case ZYDIS_MNEMONIC_POPCNT:
    case ZYDIS_MNEMONIC_RORX:
    case ZYDIS_MNEMONIC_SARX:
    case ZYDIS_MNEMONIC_SHLX:
    case ZYDIS_MNEMONIC_SHRX:
    case ZYDIS_MNEMONIC_TZCNT:
      return true;
    default:
      return false;
  }
}

HostClass UnitOf(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) {
    return HostClass::kNone;
  }
  switch (ZydisRegisterGetClass(operand.reg.value)) {
    case ZYDIS_REGCLASS_X87:
      return HostClass::kX87;
    case ZYDIS_REGCLASS_MMX:
      return HostClass::kMmx;
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
      return HostClass::kSse;
    case ZYDIS_REGCLASS_MASK:
      return HostClass::kAvx512;
    default:
      return HostClass::kNone;
  }
}

// The exception types of the manual that include SIMD floating-point exceptions. SDM Vol. 2, 2.4.
bool MayRaiseSimdException(ZydisExceptionClass type) {
  switch (type) {
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE3:
    case ZYDIS_EXCEPTION_CLASS_AVX2:
    case ZYDIS_EXCEPTION_CLASS_AVX3:
    case ZYDIS_EXCEPTION_CLASS_AVX11:
    case ZYDIS_EXCEPTION_CLASS_E2:
    case ZYDIS_EXCEPTION_CLASS_E2NF:
    case ZYDIS_EXCEPTION_CLASS_E3:
    case ZYDIS_EXCEPTION_CLASS_E3NF:
    case ZYDIS_EXCEPTION_CLASS_E11:
    case ZYDIS_EXCEPTION_CLASS_E11NF:
      return true;
    default:
      return false;
  }
}

// Whether MXCSR.DAZ matters, although no flag is set.
bool ObeysDaz(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VFPCLASSPD:
    case ZYDIS_MNEMONIC_VFPCLASSPS:
    case ZYDIS_MNEMONIC_VFPCLASSSD:
    case ZYDIS_MNEMONIC_VFPCLASSSS:
    case ZYDIS_MNEMONIC_VRCP14PD:
    case ZYDIS_MNEMONIC_VRCP14PS:
    case ZYDIS_MNEMONIC_VRCP14SD:
    case ZYDIS_MNEMONIC_VRCP14SS:
    case ZYDIS_MNEMONIC_VRSQRT14PD:
    case ZYDIS_MNEMONIC_VRSQRT14PS:
    case ZYDIS_MNEMONIC_VRSQRT14SD:
    case ZYDIS_MNEMONIC_VRSQRT14SS:
      return true;
    default:
      return false;
  }
}

bool IsX87Set(ZydisISASet set) {
  return set == ZYDIS_ISA_SET_X87 || set == ZYDIS_ISA_SET_FCMOV || set == ZYDIS_ISA_SET_SSE3X87;
}

bool HasUnit(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands,
             HostClass unit) {
  return std::any_of(
      operands, operands + from.operand_count,
      [unit](const ZydisDecodedOperand& operand) { return UnitOf(operand) == unit; });
}

}  // namespace

bool UsesMxcsr(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands) {
  // Conversions between MMX and floating point have no type of their own.
  return MayRaiseSimdException(from.meta.exception_class) || ObeysDaz(from.mnemonic) ||
         (HasUnit(from, operands, HostClass::kMmx) && HasUnit(from, operands, HostClass::kSse)) ||
         from.mnemonic == ZYDIS_MNEMONIC_CVTPS2PI || from.mnemonic == ZYDIS_MNEMONIC_CVTTPS2PI ||
         from.mnemonic == ZYDIS_MNEMONIC_CVTPD2PI || from.mnemonic == ZYDIS_MNEMONIC_CVTTPD2PI ||
         from.mnemonic == ZYDIS_MNEMONIC_CVTPI2PS;
}

bool NeverRaisesXm(const ZydisDecodedInstruction& from) {
  return from.avx.has_sae || ObeysDaz(from.mnemonic);
}

HostClass HostClassOf(const ZydisDecodedInstruction& from, const ZydisDecodedOperand* operands) {
  const bool is_vex = from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  const bool is_evex = from.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
  if (is_evex || (is_vex && HasUnit(from, operands, HostClass::kAvx512))) {
    return HostClass::kAvx512;
  }
  if (from.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && !is_vex) {
    return HostClass::kNone;  // XOP, 3DNow!, MVEX
  }
  if (IsX87Set(from.meta.isa_set)) {
    return HostClass::kX87;
  }
  if (from.mnemonic == ZYDIS_MNEMONIC_EMMS) {
    return HostClass::kMmx;
  }
  if (from.mnemonic == ZYDIS_MNEMONIC_VZEROUPPER || from.mnemonic == ZYDIS_MNEMONIC_VZEROALL) {
    return HostClass::kAvx;
  }
  // CVTSD2SI and its like name no XMM register where they read memory.
  HostClass result = UsesMxcsr(from, operands) ? HostClass::kSse : HostClass::kNone;
  for (u8 i = 0; i < from.operand_count; ++i) {
    const HostClass unit = UnitOf(operands[i]);
    if (unit == HostClass::kX87 || unit == HostClass::kMmx) {
      return unit;  // with XMM operands too (MOVQ2DQ): the x87 rules apply
    }
    result = unit == HostClass::kSse ? unit : result;
  }
  if (result == HostClass::kSse) {
    return is_vex ? HostClass::kAvx : result;
  }
  return IsGeneral(from.mnemonic) ? HostClass::kGeneral : HostClass::kNone;
}

}  // namespace tandem::cpu
