#pragma once

#include <memory>

#include "accel/api/accelerator.h"

namespace tandem::accel {

// Executes guest code without help of the host's virtualisation: `-accel dbt`.
std::unique_ptr<Accelerator> MakeDbtAccelerator();

}  // namespace tandem::accel
