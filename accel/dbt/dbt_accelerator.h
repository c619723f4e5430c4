#pragma once

#include <memory>

#include "accel/api/accelerator.h"

namespace tandem::accel {

// Executes guest code without help of the host's virtualisation: `-accel dbt`. translates: by
// dynamic translation; otherwise by the interpreter alone (`jit=off`).
std::unique_ptr<Accelerator> MakeDbtAccelerator(bool translates);

}  // namespace tandem::accel
