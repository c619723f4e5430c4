#include <bit>

#include "base/bits.h"
#include "cpu/event/cpuid_leaves.h"
#include "cpu/state/feature_bits.h"

namespace tandem::cpu {
namespace {

constexpr u32 kAmdMirroredEdx = 0x0183f3ff;  // leaf 1's flags that AMD shows in 0x80000001 too

struct Cache {
  u32 type;  // 1 data, 2 instructions, 3 both
  u32 level;
  u32 ways;
  u32 sets;
  bool is_per_package;
};
constexpr Cache kCaches[] = {
    {1, 1, 8, 64, false},     // 32 KiB
    {2, 1, 8, 64, false},     // 32 KiB
    {3, 2, 8, 1024, false},   // 512 KiB
    {3, 3, 16, 16384, true},  // 16 MiB
};

bool IsAmd(const CpuModel& model) { return model.vendor == "AuthenticAMD"; }

u32 MirroredFeatures(const CpuModel& model) {
  u32 edx = 0;
  for (const FeatureBit& row : kFeatureBits) {
    if (row.leaf == 1 && row.reg == CpuidReg::Edx && model.Has(row.feature)) {
      edx |= 1u << row.bit;
    }
  }
  return edx & kAmdMirroredEdx;
}

CpuidResult BrandLeaf(const CpuModel& model, size_t from) {
  return {FourCharacters(model.brand, from), FourCharacters(model.brand, from + 4),
          FourCharacters(model.brand, from + 8), FourCharacters(model.brand, from + 12)};
}

CpuidResult AddressLeaf(const CpuModel& model) {
  const u32 linear_bits = model.Has(Feature::kLa57) ? 57 : (model.Has(Feature::kLm) ? 48 : 32);
  const u32 logical = model.topology.cores * model.topology.threads;
  const u32 id_bits = static_cast<u32>(std::bit_width(logical - 1));
  const u32 ecx = IsAmd(model) ? id_bits << 12 | (logical - 1) : 0;
  return {linear_bits << 8 | model.physical_address_bits, 0, ecx, 0};
}

CpuidResult AmdTopologyLeaf(const Context& context) {
  const Topology& topology = context.model.topology;
  const u32 core = context.id / topology.threads % topology.cores;
  return {context.id, (topology.threads - 1) << 8 | core, 0, 0};
}

}  // namespace

CpuidResult CacheLeaf(const CpuModel& model, u32 subleaf) {
  if (subleaf >= std::size(kCaches)) {
    return {};
  }
  const Cache& cache = kCaches[subleaf];
  const u32 logical = std::bit_ceil(model.topology.cores * model.topology.threads);
  const u32 sharing = cache.is_per_package ? logical : std::bit_ceil(model.topology.threads);
  const u32 cores = std::bit_ceil(model.topology.cores);
  const u32 cores_field = IsAmd(model) ? 0 : (cores - 1) << 26;
  constexpr u32 kSelfInitialising = 1u << 8;
  constexpr u32 kLineMinusOne = 63;
  return {cache.type | cache.level << 5 | kSelfInitialising | (sharing - 1) << 14 | cores_field,
          kLineMinusOne | (cache.ways - 1) << 22, cache.sets - 1, 0};
}

CpuidResult ExtendedLeaf(const Context& context, u32 leaf, u32 subleaf) {
  const CpuModel& model = context.model;
  switch (leaf) {
    case 0x80000000:
      return {model.max_extended_leaf, FourCharacters(model.vendor, 0),
              FourCharacters(model.vendor, 8), FourCharacters(model.vendor, 4)};
    case 0x80000001:
      return {0, 0, 0, IsAmd(model) ? MirroredFeatures(model) : 0};
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
      return BrandLeaf(model, 16 * (leaf - 0x80000002));
    case 0x80000005:
      return IsAmd(model) ? CpuidResult{0, 0, 0x20080140, 0x20080140} : CpuidResult{};
    case 0x80000006:
      return {0, 0, 0x02006140, IsAmd(model) ? 0x00808140u : 0};
    case 0x80000008:
      return AddressLeaf(model);
    case 0x8000001d:
      return IsAmd(model) ? CacheLeaf(model, subleaf) : CpuidResult{};
    case 0x8000001e:
      return IsAmd(model) ? AmdTopologyLeaf(context) : CpuidResult{};
    default:
      return {};
  }
}

}  // namespace tandem::cpu
