#include "tests/accel/engines.h"

#include <cstdio>

#include "accel/dbt/dbt_accelerator.h"
#include "accel/kvm/kvm_accelerator.h"

namespace tandem::accel::tests {

bool HasKvm() {
  static const bool has_kvm = [] {
    const auto made = MakeKvmAccelerator({});
    if (!made) {
      std::fprintf(stderr, "skipped: %s\n", made.error().message.c_str());
    }
    return made.ok();
  }();
  return has_kvm;
}

bool IsKvm(Engine engine) {
  return engine != Engine::kInterpreter && engine != Engine::kTranslator;
}

std::unique_ptr<Accelerator> MakeAccelerator(Engine engine, bool has_fallback) {
  if (!IsKvm(engine)) {
    return MakeDbtAccelerator({.translates = engine == Engine::kTranslator});
  }
  auto made = MakeKvmAccelerator({.irqchip = engine == Engine::kKvm        ? KernelIrqchip::kOn
                                             : engine == Engine::kKvmSplit ? KernelIrqchip::kSplit
                                                                           : KernelIrqchip::kOff,
                                  .has_fallback = has_fallback});
  REQUIRE(made.ok());
  return std::move(*made);
}

}  // namespace tandem::accel::tests
