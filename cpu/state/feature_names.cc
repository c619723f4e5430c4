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

// What QEMU's -cpu knows besides: features that no engine here has.
constexpr std::string_view kElsewhere =
    "pn ds acpi tm ia64 pbe dtes64 ds-cpl vmx smx est tm2 cid xtpr pdcm dca sgx hle rtm mpx "
    "pcommit intel-pt avx512pf avx512er waitpkg tme bus-lock-detect cldemote movdiri movdir64b "
    "sgxlc avx512-4vnniw avx512-4fmaps md-clear tsx-ldtrk pconfig arch-lbr amx-bf16 "
    "avx512-fp16 amx-tile amx-int8 spec-ctrl stibp core-capability ssbd fzrm fsrs fsrc "
    "amx-fp16 avx-ifma mp 3dnowext 3dnow svm extapic osvw ibs xop skinit wdt lwp fma4 tce "
    "nodeid-msr tbm topoext perfctr-core perfctr-nb npt lbrv svm-lock nrip-save tsc-scale "
    "vmcb-clean flushbyasid decodeassists pause-filter pfthreshold avic v-vmsave-vmload vgif "
    "svme-addr-chk xfd ibpb ibrs amd-stibp stibp-always-on amd-ssbd virt-ssbd amd-no-ssb "
    "amd-psfd pmu lmce kvmclock kvmclock-stable-bit";
// Of hypervisors' interfaces and VMX, where a prefix tells.
constexpr std::string_view kElsewherePrefixes[] = {"vmx-", "hv-", "kvm-"};

bool HasWord(std::string_view words, std::string_view wanted) {
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (word == wanted) {
      return true;
    }
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  return false;
}

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

bool IsFeatureElsewhere(std::string_view name) {
  const std::string wanted = Normal(name);
  return HasWord(kElsewhere, wanted) ||
         std::ranges::any_of(kElsewherePrefixes,
                             [&](std::string_view prefix) { return wanted.starts_with(prefix); });
}

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
