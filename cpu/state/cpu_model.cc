#include "cpu/state/cpu_model.h"

#include "cpu/state/registers.h"

namespace tandem::cpu {

u64 CpuModel::SupportedXcr0() const {
  if (!Has(Feature::kXsave)) {
    return 0;
  }
  u64 mask = kXcr0X87 | kXcr0Sse;
  if (Has(Feature::kAvx)) {
    mask |= kXcr0Avx;
  }
  if (Has(Feature::kAvx512f)) {
    mask |= kXcr0Avx512;
  }
  if (Has(Feature::kPku)) {
    mask |= kXcr0Pkru;
  }
  return mask;
}

}  // namespace tandem::cpu
