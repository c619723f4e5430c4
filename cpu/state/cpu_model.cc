#include "cpu/state/cpu_model.h"

#include "cpu/state/registers.h"
#include "cpu/state/signature.h"

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

u32 Signature(const CpuModel& model) {
  const u32 family = model.family > 15 ? 15 : model.family;
  const u32 extended_family = model.family > 15 ? model.family - 15 : 0;
  return model.stepping | (model.model & 0xf) << 4 | family << 8 | (model.model >> 4) << 16 |
         extended_family << 20;
}

}  // namespace tandem::cpu
