// The host's CPUID. SDM Vol. 2, CPUID.
#include "cpu/state/host_identity.h"

#include <cpuid.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bits.h"

namespace tandem::cpu {
namespace {

constexpr u32 kLastLeaf = 0x1f;
constexpr u32 kLastExtendedLeaf = 0x80000021;

CpuidResult Host(u32 leaf) {
  CpuidResult result;
  __cpuid_count(leaf, 0, result.eax, result.ebx, result.ecx, result.edx);
  return result;
}

std::string Text(std::initializer_list<u32> registers) {
  std::string text;
  for (const u32 value : registers) {
    std::array<char, 4> bytes;
    std::memcpy(bytes.data(), &value, sizeof(value));
    text.append(bytes.data(), bytes.size());
  }
  return text.substr(0, text.find('\0'));
}

std::string Brand() {
  std::string brand;
  for (u32 leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
    const CpuidResult part = Host(leaf);
    brand += Text({part.eax, part.ebx, part.ecx, part.edx});
  }
  return brand.substr(0, 47);
}

}  // namespace

void TakeHostIdentity(CpuModel& model) {
  const CpuidResult basic = Host(0), extended = Host(0x80000000), version = Host(1);
  model.vendor = Text({basic.ebx, basic.edx, basic.ecx});
  model.max_leaf = std::min(basic.eax, kLastLeaf);
  model.max_extended_leaf = std::min(extended.eax, kLastExtendedLeaf);
  const u32 family = static_cast<u32>(BitsOf(version.eax, 8, 4));
  model.family = family + (family == 15 ? static_cast<u32>(BitsOf(version.eax, 20, 8)) : 0);
  model.model = static_cast<u32>(BitsOf(version.eax, 4, 4) | BitsOf(version.eax, 16, 4) << 4);
  model.stepping = version.eax & 0xf;
  if (model.max_extended_leaf >= 0x80000004) {
    model.brand = Brand();
  }
  if (model.max_extended_leaf >= 0x80000008) {
    model.physical_address_bits = static_cast<u8>(Host(0x80000008).eax);
  }
}

}  // namespace tandem::cpu
