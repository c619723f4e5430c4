#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

struct ParsedCpuModel {
  CpuModel model;
  std::vector<std::string> warnings;  // one line each: what was asked for and is not there
};

// Reads `-cpu NAME,+feat,-feat,feat=on|off,enforce,check,vendor=,family=,model=,stepping=,
// model-id=,phys-bits=,host-phys-bits=`. Features that the engine lacks are left out with a warning, with
// `enforce` refused. An unknown model, feature or property is an Error that names it and the
// nearest known one. is_native: guest code runs on the host's processor itself, so that `host` means
// it; otherwise `host` is the same as `max`.
Result<ParsedCpuModel> ParseCpuModel(std::string_view spec, const FeatureSet& engine_features,
                                     Topology topology, u32 vcpus, bool is_native = false);

// The text of `-cpu help`.
std::string CpuModelHelp();

// A feature by QEMU's name or one of its aliases (sse4_1, lahf_lm, pni ...).
bool FindFeature(std::string_view name, Feature& feature);
// Whether QEMU has a feature of that name which no engine here has.
bool IsFeatureElsewhere(std::string_view name);
std::string_view FeatureName(Feature feature);

// How many bits physical addresses of the host's processor have.
u8 HostPhysicalAddressBits();
// What the host's CPUID shows, supported by its system or not.
FeatureSet HostFeatures();
// The user-mode (data) features of the host's processor: what instructions executed on the host
// can do.
FeatureSet HostUserFeatures();
// What the interpreter offers: the host's data instructions but for AVX-512, and every system
// feature that is modelled here.
FeatureSet InterpreterFeatures();

}  // namespace tandem::cpu
