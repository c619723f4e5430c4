// CPUID, out of the model and the state's dynamic bits. SDM Vol. 2; AMD APM Vol. 3, appendix E.
#include <bit>

#include "base/bits.h"
#include "cpu/event/cpuid_leaves.h"
#include "cpu/event/system.h"
#include "cpu/state/feature_bits.h"

namespace tandem::cpu {
namespace {

// All other leaves ignore ECX.
bool HasSubleaves(u32 leaf) { return leaf == 7 || leaf == 0xd; }

void AddFeatures(const CpuModel& model, u32 leaf, u32 subleaf, CpuidResult& result) {
  subleaf = HasSubleaves(leaf) ? subleaf : 0;
  for (const FeatureBit& row : kFeatureBits) {
    if (row.leaf == leaf && row.subleaf == subleaf && model.Has(row.feature)) {
      RegisterOf(result, row.reg) |= 1u << row.bit;
    }
  }
}

// Leaf or, where it lies beyond the highest, what the vendor answers instead.
u32 EffectiveLeaf(const CpuModel& model, u32 leaf) {
  const bool is_extended = leaf >= 0x80000000;
  const u32 highest = is_extended ? model.max_extended_leaf : model.max_leaf;
  const bool is_hypervisor = leaf >= 0x40000000 && leaf <= 0x400000ff;
  if (leaf <= highest || (is_hypervisor && model.Has(Feature::kHypervisor))) {
    return leaf;
  }
  return model.vendor == "AuthenticAMD" ? kNoLeaf : model.max_leaf;
}

CpuidResult LeafData(const Context& context, u32 leaf, u32 subleaf) {
  if (leaf >= 0x80000000) {
    return ExtendedLeaf(context, leaf, subleaf);
  }
  return leaf >= 0x40000000 ? HypervisorLeaf(leaf) : BasicLeaf(context, leaf, subleaf);
}

}  // namespace

CpuidResult Cpuid(const Context& context, u32 leaf, u32 subleaf) {
  leaf = EffectiveLeaf(context.model, leaf);
  if (leaf == kNoLeaf) {
    return {};
  }
  CpuidResult result = LeafData(context, leaf, subleaf);
  AddFeatures(context.model, leaf, subleaf, result);
  AddDynamicFeatures(context, leaf, subleaf, result);
  return result;
}

}  // namespace tandem::cpu
