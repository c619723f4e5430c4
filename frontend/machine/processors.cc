#include "base/log.h"
#include "cpu/state/model_parser.h"
#include "frontend/machine/board.h"

// The vCPUs.
namespace tandem::frontend {
namespace {

Result<void> ChooseModel(Board& board) {
  const SmpConfig& smp = board.config.smp;
  const cpu::Topology topology{smp.sockets, smp.cores, smp.threads};
  auto parsed = cpu::ParseCpuModel(board.config.cpu, board.accelerator->Features(), topology,
                                   smp.cpus, board.accelerator->IsNative());
  if (!parsed) {
    return parsed.error();
  }
  for (const std::string& warning : parsed->warnings) {
    Warn("{}", warning);
  }
  board.cpu_model = std::move(parsed->model);
  return {};
}

}  // namespace

Result<void> AddProcessors(Board& board) {
  if (Result<void> done = ChooseModel(board); !done) {
    return done;
  }
  const accel::VcpuEnv env{board.memory, board.ports, *board.irqs, board.clock(),
                           board.instruction_clock.get()};
  for (devices::VcpuId id = 0; id < board.config.smp.cpus; ++id) {
    auto vcpu = board.accelerator->MakeVcpu(id, board.cpu_model, env);
    if (!vcpu) {
      return vcpu.error();
    }
    board.run.Add(std::move(*vcpu));
  }
  return {};
}

}  // namespace tandem::frontend
