#pragma once

#include <memory>

#include "accel/api/accelerator.h"

namespace tandem::accel {

struct DbtOptions {
  bool translates = true;          // the interpreter alone otherwise (`jit=off`)
  bool has_precise_flags = false;  // `precise-flags=on`: jit::SharedCode::KeepFlagsPrecise
  bool has_perf_map = false;       // `-perfmap`
  bool has_gdb_names = false;      // `-gdbjit`
};

// Executes guest code without help of the host's virtualisation: `-accel dbt`.
std::unique_ptr<Accelerator> MakeDbtAccelerator(const DbtOptions& options);

}  // namespace tandem::accel
