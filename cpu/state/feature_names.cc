// Features by name, in QEMU's spellings and Linux's.
#include <algorithm>

#include "cpu/state/model_parser.h"

namespace tandem::cpu {
namespace {

constexpr std::string_view kNames[] = {
#define FEATURE(id, name, leaf, subleaf, reg, bit) name,
#include "cpu/state/features.inc"
#undef FEATURE
};

struct Alias {
  std::string_view alias;
  std::string_view name;
};
constexpr Alias kAliases[] = {
    {"pni", "sse3"},
    {"sse4-1", "sse4.1"},
    {"sse4-2", "sse4.2"},
    {"cmpxchg8b", "cx8"},
    {"cmpxchg16b", "cx16"},
    {"lzcnt", "abm"},
    {"xd", "nx"},
    {"ffxsr", "fxsr-opt"},
    {"i64", "lm"},
    {"cr8-legacy", "cr8legacy"},
    {"sha", "sha-ni"},
    {"pclmuldq", "pclmulqdq"},
    {"avx512vpopcntdq", "avx512-vpopcntdq"},
    {"avx512vp2intersect", "avx512-vp2intersect"},
    {"avx512bf16", "avx512-bf16"},
    {"avxvnni", "avx-vnni"},
    {"tsc-deadline-timer", "tsc-deadline"},
    {"clfsh", "clflush"},
    {"rdrnd", "rdrand"},
    {"1gb-pages", "pdpe1gb"},
};

// '_' and '-' are one, capitals small.
std::string Normal(std::string_view name) {
  std::string normal(name);
  for (char& c : normal) {
    c = c == '_' ? '-' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
  }
  return normal;
}

}  // namespace

std::string_view FeatureName(Feature feature) { return kNames[static_cast<size_t>(feature)]; }

bool FindFeature(std::string_view name, Feature& feature) {
  std::string wanted = Normal(name);
  for (const Alias& alias : kAliases) {
    if (alias.alias == wanted) {
      wanted = alias.name;
    }
  }
  const auto* found = std::find(std::begin(kNames), std::end(kNames), wanted);
  if (found == std::end(kNames)) {
    return false;
  }
  feature = static_cast<Feature>(found - std::begin(kNames));
  return true;
}

}  // namespace tandem::cpu
