#include "devices/pci/i440fx.h"
#include "devices/pci/piix3.h"
#include "devices/pci/piix4_pm.h"
#include "frontend/machine/board.h"

// The i440FX host bridge and the PIIX's functions.
namespace tandem::frontend {
namespace {

constexpr u32 kSciIrq = 9;
constexpr u32 kPiixSlot = 1;

}  // namespace

Result<void> AddPci(Board& board) {
  board.pirq_router = std::make_unique<devices::PirqRouter>(*board.irqs);
  board.acpi = std::make_shared<devices::AcpiPm>(
      board.clock(), board.IsaIrq(kSciIrq),
      devices::PowerRequests{board.requests.shut_down, board.requests.suspend,
                             board.requests.wake});
  board.pci = std::make_shared<devices::PciHost>(board.memory, board.ports, *board.pirq_router,
                                                 *board.irqs, board.requests.reset);
  board.devices.push_back(board.acpi);
  for (const Result<void>& done :
       {board.AddPorts(devices::PciHost::kFirstPort, devices::PciHost::kPortCount, board.pci),
        board.pci->Plug(0, 0, std::make_shared<devices::I440fx>(*board.shadow_ram)),
        board.pci->Plug(kPiixSlot, 0, std::make_shared<devices::Piix3>(*board.pirq_router)),
        board.pci->Plug(kPiixSlot, 3, std::make_shared<devices::Piix4Pm>(board.acpi))}) {
    if (!done) {
      return done;
    }
  }
  return {};
}

}  // namespace tandem::frontend
