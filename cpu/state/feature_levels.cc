#include "cpu/state/feature_levels.h"

#include "base/check.h"
#include "cpu/state/model_parser.h"

namespace tandem::cpu {
namespace {

struct Level {
  std::string_view name;
  std::string_view features;
};

constexpr Level kLevels[] = {
    {"i686-base",
     "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 mmx fxsr sse sse2"},
    {"kvm64-base", "i686-base clflush"},
    {"v1", "kvm64-base lm nx syscall"},
    {"v2", "v1 sse3 ssse3 sse4.1 sse4.2 popcnt cx16 lahf-lm"},
    {"v3", "v2 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"},
    {"avx512", "avx512f avx512dq avx512cd avx512bw avx512vl"},
    {"v4", "v3 avx512"},
    {"snb", "v2 aes pclmulqdq avx xsave xsaveopt x2apic tsc-deadline rdtscp arat"},
    {"hsw",
     "snb v3 f16c rdrand fsgsbase smep erms pcid invpcid movbe bmi1 bmi2 avx2 fma abm xsaveopt"},
    {"skl", "hsw adx rdseed smap 3dnowprefetch xsavec xgetbv1"},
    {"zen",
     "v3 aes pclmulqdq rdrand fsgsbase smep smap adx rdseed clflushopt sha-ni xsaveopt xsavec "
     "xgetbv1 sse4a misalignsse 3dnowprefetch cr8legacy mmxext fxsr-opt pdpe1gb rdtscp arat"},
};

void AddName(std::string_view name, FeatureSet& features) {
  for (const Level& level : kLevels) {
    if (level.name == name) {
      AddFeatureList(level.features, features);
      return;
    }
  }
  const bool is_removed = name.starts_with('-');
  Feature feature{};
  CHECK(FindFeature(name.substr(is_removed ? 1 : 0), feature));
  features.set(static_cast<size_t>(feature), !is_removed);
}

}  // namespace

void AddFeatureList(std::string_view names, FeatureSet& features) {
  while (!names.empty()) {
    const size_t end = names.find(' ');
    AddName(names.substr(0, end), features);
    names = end == std::string_view::npos ? std::string_view{} : names.substr(end + 1);
  }
}

}  // namespace tandem::cpu
