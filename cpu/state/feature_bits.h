#pragma once

#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

enum class CpuidReg : u8 { Eax, Ebx, Ecx, Edx };

// Where CPUID shows a feature: the rows of features.inc.
struct FeatureBit {
  Feature feature;
  u32 leaf;
  u32 subleaf;
  CpuidReg reg;
  u8 bit;
};

inline constexpr FeatureBit kFeatureBits[] = {
#define FEATURE(id, name, leaf, subleaf, reg, bit) \
  {Feature::k##id, leaf, subleaf, CpuidReg::reg, bit},
#include "cpu/state/features.inc"
#undef FEATURE
};

// A register of a CpuidResult or of what else has members of their names.
template <typename Result>
auto& RegisterOf(Result& result, CpuidReg reg) {
  switch (reg) {
    case CpuidReg::Eax:
      return result.eax;
    case CpuidReg::Ebx:
      return result.ebx;
    case CpuidReg::Ecx:
      return result.ecx;
    case CpuidReg::Edx:
      break;
  }
  return result.edx;
}

}  // namespace tandem::cpu
