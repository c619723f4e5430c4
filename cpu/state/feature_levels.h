#pragma once

#include <string_view>

#include "cpu/state/cpu_model.h"

namespace tandem::cpu {

// Adds the features of a list of names: features, levels ("v2", "hsw") and "-feature". The names
// are ours (models.inc): an unknown one is a bug.
void AddFeatureList(std::string_view names, FeatureSet& features);

}  // namespace tandem::cpu
