#pragma once

#include <memory>

#include "accel/api/accelerator.h"
#include "jit/engine/onlooker.h"

namespace tandem::accel {

struct DbtOptions {
  bool translates = true;             // the interpreter alone otherwise (`jit=off`)
  bool has_precise_flags = false;     // `precise-flags=on`: jit::SharedCode::KeepFlagsPrecise
  jit::Onlooker* onlooker = nullptr;  // looks on at the only vCPU; outlives it
  size_t max_unit_insts = 0;          // translated together; 0: as many as is good
  bool has_perf_map = false;          // `-perfmap`
  bool has_gdb_names = false;         // `-gdbjit`
};

// Executes guest code without help of the host's virtualisation: `-accel dbt`.
std::unique_ptr<Accelerator> MakeDbtAccelerator(const DbtOptions& options);

}  // namespace tandem::accel
