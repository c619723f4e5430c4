#pragma once

#include <bitset>
#include <string>

#include "base/ints.h"

namespace tandem::cpu {

// One CPUID feature flag a guest may see. FEATURE(name, QEMU's spelling, leaf, subleaf, register,
// bit) rows stand in features.inc.
enum class Feature : u8 {
#define FEATURE(id, name, leaf, subleaf, reg, bit) k##id,
#include "cpu/state/features.inc"
#undef FEATURE
  kCount,
};

using FeatureSet = std::bitset<static_cast<size_t>(Feature::kCount)>;

struct CpuidResult {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

struct Topology {
  u32 sockets = 1, cores = 1, threads = 1;
};

// What `-cpu` chose: the features and identity that CPUID shows and the engines honour.
struct CpuModel {
  std::string name;
  std::string vendor;  // 12 characters
  std::string brand;   // at most 47 characters
  u32 family = 0, model = 0, stepping = 0;
  u32 max_leaf = 0, max_extended_leaf = 0;
  u8 physical_address_bits = 40;
  FeatureSet features;
  Topology topology;
  u32 vcpu_count = 1;
  bool is_host = false;  // -cpu host: with what the host has and we have no names for

  bool Has(Feature feature) const { return features.test(static_cast<size_t>(feature)); }
  // The XCR0 bits that can be set, from the features.
  u64 SupportedXcr0() const;
};

}  // namespace tandem::cpu
