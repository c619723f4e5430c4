#include "accel/dbt/dbt_accelerator.h"
#include "accel/kvm/kvm_accelerator.h"
#include "accel/lockstep/lockstep_accelerator.h"
#include "base/log.h"
#include "frontend/machine/board.h"

// -accel: the first that works here, and what "auto" means.
namespace tandem::frontend {
namespace {

// The option that only the translator can serve, or null.
const char* OptionForDbt(const MachineConfig& config) {
  return config.icount_shift ? "-icount"
         : config.perf_map   ? "-perfmap"
         : config.gdb_jit    ? "-gdbjit"
                             : nullptr;
}

// KVM's interrupt controllers would not tell what they do.
Result<void> UseLockstep(Board& board, const AccelConfig& accel) {
  accel::LockstepOptions options{.instructions = accel.lockstep_for,
                                 .on_limit = [&board] { board.requests.exit(0); }};
  if (board.config.perf_map || board.config.gdb_jit) {
    return Fail("lockstep= names no translated code: leave out -perfmap and -gdbjit");
  }
  if (accel.lockstep == LockstepWith::kKvm) {
    auto kvm = accel::MakeKvmAccelerator(
        {.irqchip = accel::KernelIrqchip::kOff, .has_fallback = false});
    if (!kvm) {
      return kvm.error();
    }
    options.replica = std::move(*kvm);
  }
  board.accelerator = accel::MakeLockstepAccelerator(std::move(options));
  return {};
}

Result<void> UseDbt(Board& board, const AccelConfig& accel) {
  if (accel.lockstep != LockstepWith::kNobody) {
    return UseLockstep(board, accel);
  }
  board.accelerator = accel::MakeDbtAccelerator({.translates = accel.jit,
                                                 .has_precise_flags = accel.precise_flags,
                                                 .has_perf_map = board.config.perf_map,
                                                 .has_gdb_names = board.config.gdb_jit});
  return {};
}

Result<void> UseKvm(Board& board, const AccelConfig& accel) {
  if (const char* option = OptionForDbt(board.config)) {
    return Fail("{} is the translator's: use -accel dbt with it", option);
  }
  using accel::KernelIrqchip;
  const IrqchipMode mode = board.config.irqchip;
  auto made =
      accel::MakeKvmAccelerator({.irqchip = mode == IrqchipMode::kOn      ? KernelIrqchip::kOn
                                            : mode == IrqchipMode::kSplit ? KernelIrqchip::kSplit
                                                                          : KernelIrqchip::kOff,
                                 .has_pit = board.config.has_pit,
                                 .has_fallback = accel.fallback});
  if (!made) {
    return made.error();
  }
  board.accelerator = std::move(*made);
  return {};
}

Result<void> UseFastest(Board& board, const AccelConfig& accel) {
  const char* const option = OptionForDbt(board.config);
  const Result<void> kvm =
      option != nullptr ? Fail("{} asks for it", option) : accel::CheckKvmIsFast();
  if (kvm && UseKvm(board, accel)) {
    board.accelerator_note = "accelerator kvm, as the processor has what it needs";
    return {};
  }
  if (!kvm) {
    board.accelerator_note = fmt::format("accelerator dbt: {}", kvm.error().message);
  }
  return UseDbt(board, accel);
}

Result<void> Use(Board& board, const AccelConfig& accel) {
  switch (accel.kind) {
    case AccelKind::kKvm:
      return UseKvm(board, accel);
    case AccelKind::kDbt:
      return UseDbt(board, accel);
    default:
      return UseFastest(board, accel);
  }
}

}  // namespace

Result<void> AddAccelerator(Board& board) {
  Result<void> done;
  for (const AccelConfig& accel : board.config.accels) {
    if (!done) {
      Note("{}; falling back to the next accelerator", done.error().message);
    }
    done = Use(board, accel);
    if (done) {
      break;
    }
  }
  return done;
}

}  // namespace tandem::frontend
