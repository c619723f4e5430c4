#include <ctime>
#include <functional>

#include "base/log.h"
#include "devices/irqchip/soft_irq_chip.h"
#include "devices/irqchip/split_irq_chip.h"
#include "devices/legacy/debug_ports.h"
#include "devices/legacy/dma8237.h"
#include "devices/legacy/hpet.h"
#include "devices/legacy/i8042.h"
#include "devices/legacy/pit.h"
#include "devices/legacy/rtc.h"
#include "frontend/machine/board.h"

// Interrupt controllers, timers, clock and keyboard controller at their ISA addresses.
namespace tandem::frontend {
namespace {

constexpr u32 kKeyboardIrq = 1;
constexpr u32 kRtcIrq = 8;
constexpr u32 kMouseIrq = 12;

// What the clock shows at power-on, as seconds since 1970 of its own time zone.
i64 RtcStart(const RtcConfig& config) {
  if (config.base == RtcBase::kDate) {
    return config.date;
  }
  const std::time_t now = std::time(nullptr);
  if (config.base == RtcBase::kUtc) {
    return now;
  }
  std::tm local{};
  ::localtime_r(&now, &local);
  return now + local.tm_gmtoff;
}

Result<void> MapIrqChip(Board& board, devices::PcIrqChip& chip) {
  using devices::PcIrqChip;
  for (const Result<void>& done :
       {board.AddPorts(PcIrqChip::kMasterPort, PcIrqChip::kPortLength, chip.MakeMasterPorts()),
        board.AddPorts(PcIrqChip::kSlavePort, PcIrqChip::kPortLength, chip.MakeSlavePorts()),
        board.AddPorts(PcIrqChip::kElcrPort, PcIrqChip::kPortLength, chip.MakeElcrPorts()),
        board.AddMmio(devices::IoApic::kBase, devices::IoApic::kLength, chip.MakeIoApicWindow())}) {
    if (!done) {
      return done;
    }
  }
  return {};
}

void AttachEvents(Board& board, devices::IrqLatches* latches) {
  board.irq_events = std::make_unique<devices::IrqEventTable>(board.loop, *board.irqs);
  board.irq_events->Attach({board.kernel_irqs.events, latches});
}

// All in the kernel, or only the local APICs, or all ours.
Result<void> AddIrqChip(Board& board) {
  const u32 vcpus = board.config.smp.cpus;
  auto irqs = board.accelerator->MakeIrqs(vcpus);
  if (!irqs) {
    return irqs.error();
  }
  board.kernel_irqs = std::move(*irqs);
  if (board.kernel_irqs.chip) {
    board.irqs = std::move(board.kernel_irqs.chip);
    AttachEvents(board, nullptr);
    return {};
  }
  std::unique_ptr<devices::PcIrqChip> chip;
  if (board.kernel_irqs.apics != nullptr) {
    chip = std::make_unique<devices::SplitIrqChip>(*board.kernel_irqs.apics, board.run);
  } else {
    chip = std::make_unique<devices::SoftIrqChip>(vcpus, board.clock(), board.run);
  }
  devices::PcIrqChip& mapped = *chip;
  board.irqs = std::move(chip);
  AttachEvents(board, &mapped);
  return MapIrqChip(board, mapped);
}

// The PIT, unless it is in the kernel.
Result<devices::IntervalTimer*> AddPit(Board& board) {
  if (board.kernel_irqs.pit != nullptr) {
    return board.kernel_irqs.pit;
  }
  using devices::Pit;
  auto pit = std::make_shared<Pit>(board.clock(), board.IsaIrq(0));
  for (const Result<void>& done :
       {board.AddPorts(Pit::kPort, Pit::kLength, pit),
        board.AddPorts(Pit::kControlPortB, 1, pit, Pit::kControlOffset)}) {
    if (!done) {
      return done.error();
    }
  }
  return static_cast<devices::IntervalTimer*>(pit.get());
}

// The HPET in legacy mode takes the place of the PIT's and the RTC's interrupts.
Result<void> AddHpet(Board& board, devices::IntervalTimer* pit) {
  const auto legacy_changed = [pit, rtc = board.rtc](bool is_legacy) {
    if (pit != nullptr) {
      pit->SetIrqEnabled(!is_legacy);
    }
    rtc->SetIrqEnabled(!is_legacy);
  };
  return board.AddMmio(devices::Hpet::kBase, devices::Hpet::kLength,
                       std::make_shared<devices::Hpet>(board.clock(), *board.irqs, legacy_changed));
}

Result<void> AddTimers(Board& board) {
  devices::IntervalTimer* pit = nullptr;
  if (board.config.has_pit) {
    auto added = AddPit(board);
    if (!added) {
      return added.error();
    }
    pit = *added;
  }
  auto rtc = std::make_shared<devices::Rtc>(
      board.clock(), board.IsaIrq(kRtcIrq), RtcStart(board.config.rtc),
      [&board] { board.loop.Post([&board] { board.acpi->RaiseRtcAlarm(); }); });
  board.rtc = rtc.get();
  if (Result<void> done = board.AddPorts(devices::Rtc::kPort, devices::Rtc::kLength, rtc); !done) {
    return done;
  }
  return board.config.has_hpet ? AddHpet(board, pit) : Result<void>();
}

Result<void> AddKeyboard(Board& board) {
  using devices::I8042;
  auto keyboard = std::make_shared<I8042>(board.IsaIrq(kKeyboardIrq), board.IsaIrq(kMouseIrq),
                                          board.requests.reset);
  if (Result<void> done = board.AddPorts(I8042::kDataPort, 1, keyboard); !done) {
    return done;
  }
  if (Result<void> done = board.AddPorts(I8042::kCommandPort, 1, keyboard, I8042::kCommandOffset);
      !done) {
    return done;
  }
  return board.AddPorts(devices::ControlPortA::kPort, devices::ControlPortA::kLength,
                        std::make_shared<devices::ControlPortA>(board.requests.reset));
}

Result<void> AddDma(Board& board) {
  using devices::Dma8237;
  for (const Result<void>& done :
       {board.AddPorts(Dma8237::kFirstPort, Dma8237::kFirstLength, std::make_shared<Dma8237>(0)),
        board.AddPorts(Dma8237::kSecondPort, Dma8237::kSecondLength, std::make_shared<Dma8237>(1)),
        board.AddPorts(devices::DmaPages::kPort, devices::DmaPages::kLength,
                       std::make_shared<devices::DmaPages>())}) {
    if (!done) {
      return done;
    }
  }
  return {};
}

}  // namespace

Result<void> AddPlatform(Board& board) {
  for (const auto add : {&AddIrqChip, &AddTimers, &AddKeyboard, &AddDma}) {
    if (Result<void> done = add(board); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace tandem::frontend
