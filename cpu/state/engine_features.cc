// What the engines that run on this host can offer a guest.
#include <cpuid.h>

#include <map>

#include "base/bits.h"
#include "cpu/state/feature_bits.h"
#include "cpu/state/feature_levels.h"
#include "cpu/state/model_parser.h"

namespace tandem::cpu {
namespace {

// Instructions and registers of user code: the host executes them.
constexpr std::string_view kData =
    "fpu cx8 cmov clflush mmx fxsr sse sse2 sse3 pclmulqdq ssse3 fma cx16 sse4.1 sse4.2 movbe "
    "popcnt "
    "aes avx f16c rdrand bmi1 avx2 bmi2 erms avx512f avx512dq rdseed adx avx512ifma clflushopt "
    "clwb "
    "avx512cd sha-ni avx512bw avx512vl avx512vbmi avx512vbmi2 gfni vaes vpclmulqdq avx512vnni "
    "avx512bitalg avx512-vpopcntdq avx512-bf16 avx512-vp2intersect avx-vnni fsrm serialize lahf-lm "
    "abm sse4a misalignsse 3dnowprefetch "
    "mmxext";

constexpr std::string_view kAvx512 =
    "avx512f avx512dq avx512ifma avx512cd avx512bw avx512vl avx512vbmi avx512vbmi2 avx512vnni "
    "avx512bitalg avx512-vpopcntdq avx512-bf16 avx512-vp2intersect";

// Modelled here, whatever the host has.
constexpr std::string_view kSystem =
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush fxsr ss cx16 "
    "pcid x2apic tsc-deadline xsave hypervisor arat fsgsbase tsc-adjust smep invpcid smap umip pku "
    "pks "
    "la57 rdpid erms xsaveopt xsavec xgetbv1 xsaves lahf-lm cr8legacy 3dnowprefetch syscall nx "
    "pdpe1gb rdtscp lm invtsc popcnt movbe wbnoinvd "
    "arch-capabilities";

CpuidResult HostCpuid(u32 leaf, u32 subleaf) {
  CpuidResult result;
  if (__get_cpuid_count(leaf, subleaf, &result.eax, &result.ebx, &result.ecx, &result.edx) == 0) {
    return {};
  }
  return result;
}

// Each leaf once: in a virtual machine CPUID takes microseconds.
FeatureSet AskHost() {
  FeatureSet features;
  std::map<std::pair<u32, u32>, CpuidResult> leaves;
  for (const FeatureBit& row : kFeatureBits) {
    const auto [leaf, is_new] = leaves.try_emplace({row.leaf, row.subleaf});
    if (is_new) {
      leaf->second = HostCpuid(row.leaf, row.subleaf);
    }
    features.set(static_cast<size_t>(row.feature), Bit(RegisterOf(leaf->second, row.reg), row.bit));
  }
  return features;
}

FeatureSet ListOf(std::string_view names) {
  FeatureSet features;
  AddFeatureList(names, features);
  return features;
}

}  // namespace

u8 HostPhysicalAddressBits() { return static_cast<u8>(HostCpuid(0x80000008, 0).eax); }

FeatureSet HostFeatures() {
  static const FeatureSet features = AskHost();
  return features;
}

// Opmask registers are moved as 64 bits, which needs AVX512BW (only Xeon Phi is without it), and
// the host's system must keep the registers.
FeatureSet HostUserFeatures() {
  const FeatureSet features = HostFeatures() & ListOf(kData);
  return __builtin_cpu_supports("avx512bw") != 0 ? features : features & ~ListOf(kAvx512);
}

FeatureSet InterpreterFeatures() { return HostUserFeatures() | ListOf(kSystem); }

}  // namespace tandem::cpu
