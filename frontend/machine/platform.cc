#include "devices/irqchip/ioapic.h"
#include "devices/legacy/pit.h"
#include "frontend/machine/board.h"

// Interrupt controllers, timers, clock and keyboard controller at their ISA addresses.
namespace tandem::frontend {
namespace {

Result<void> AddIrqChip(Board& board) {
  using devices::SoftIrqChip;
  board.irqs = std::make_unique<SoftIrqChip>(board.config.smp.cpus, board.clock(), board.run);
  SoftIrqChip& chip = *board.irqs;
  for (const Result<void>& done :
       {board.AddPorts(SoftIrqChip::kMasterPort, SoftIrqChip::kPortLength, chip.MakeMasterPorts()),
        board.AddPorts(SoftIrqChip::kSlavePort, SoftIrqChip::kPortLength, chip.MakeSlavePorts()),
        board.AddPorts(SoftIrqChip::kElcrPort, SoftIrqChip::kPortLength, chip.MakeElcrPorts()),
        board.AddMmio(devices::IoApic::kBase, devices::IoApic::kLength, chip.MakeIoApicWindow())}) {
    if (!done) {
      return done;
    }
  }
  return {};
}

Result<void> AddTimers(Board& board) {
  using devices::Pit;
  auto pit = std::make_shared<Pit>(board.clock(), board.IsaIrq(0));
  if (Result<void> done = board.AddPorts(Pit::kPort, Pit::kLength, pit); !done) {
    return done;
  }
  return board.AddPorts(Pit::kControlPortB, 1, pit, Pit::kControlOffset);
}

}  // namespace

Result<void> AddPlatform(Board& board) {
  if (Result<void> done = AddIrqChip(board); !done) {
    return done;
  }
  return AddTimers(board);
}

}  // namespace tandem::frontend
