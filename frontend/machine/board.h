#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "accel/api/accelerator.h"
#include "accel/run/run_control.h"
#include "base/event_loop.h"
#include "devices/bus/host_clock.h"
#include "devices/bus/instruction_clock.h"
#include "devices/display/std_vga.h"
#include "devices/irqchip/irq_event_table.h"
#include "devices/legacy/rtc.h"
#include "devices/pci/acpi_pm.h"
#include "devices/pci/pci_host.h"
#include "devices/pci/pirq_router.h"
#include "devices/pci/shadow_ram.h"
#include "devices/storage/worker_pool.h"
#include "firmware/kernel.h"
#include "frontend/machine/chardevs.h"
#include "frontend/machine/machine.h"

namespace tandem::frontend {

// What the guest asks of the machine. Any thread, locks may be held: each leaves a message.
struct GuestRequests {
  std::function<void()> reset;
  std::function<void()> shut_down;
  std::function<void()> suspend;  // to S3
  std::function<void()> wake;
  std::function<void(int status)> exit;
};

// Everything a machine is made of, in the order in which it is built; destroyed in reverse. The
// Add* functions of this room each build one part.
struct Board {
  Board(const MachineConfig& machine_config, EventLoop& event_loop, GuestRequests guest_requests,
        accel::VcpuThread::ExitHandler on_exit);
  ~Board();

  const MachineConfig config;
  EventLoop& loop;
  const GuestRequests requests;

  devices::WorkerPool disk_threads;
  std::unique_ptr<Chardevs> chardevs;
  std::unique_ptr<devices::HostClock> host_clock;  // one of these two
  std::unique_ptr<devices::InstructionClock> instruction_clock;
  devices::AddressSpace memory;
  devices::AddressSpace ports;
  accel::RunControl run;
  std::unique_ptr<accel::Accelerator> accelerator;
  std::string accelerator_note;   // which it is and why, if nobody chose it
  accel::KernelIrqs kernel_irqs;  // its chip has become irqs
  std::unique_ptr<devices::IrqChip> irqs;
  std::unique_ptr<devices::IrqEventTable> irq_events;  // for devices whose events interrupt

  std::shared_ptr<devices::RamBlock> ram;
  std::shared_ptr<devices::RamBlock> rom;
  std::unique_ptr<devices::ShadowRam> shadow_ram;
  std::unique_ptr<devices::PirqRouter> pirq_router;
  std::shared_ptr<devices::PciHost> pci;
  std::shared_ptr<devices::AcpiPm> acpi;
  std::shared_ptr<devices::StdVga> vga;  // may be null
  u8 serial_ports = 0;                   // bit n: COM(n+1)
  bool has_parallel = false;
  std::vector<std::string> boot_paths;                    // of disks, first to last
  devices::Rtc* rtc = nullptr;                            // one of devices
  std::vector<std::shared_ptr<devices::Device>> devices;  // to be reset with the machine

  cpu::CpuModel cpu_model;

  std::future<Result<firmware::KernelFiles>> files_ahead;  // of the first direct boot

  devices::Clock& clock();
  firmware::Board Facts() const;  // for firmware tables
  // A kernel is entered directly unless firmware is asked for.
  bool BootsThroughBios() const;

  // Maps a device and takes it into the list.
  Result<void> AddPorts(u64 port, u64 length, std::shared_ptr<devices::Device> device,
                        u64 device_offset = 0);
  Result<void> AddMmio(u64 address, u64 length, std::shared_ptr<devices::Device> device);
  devices::IrqLine IsaIrq(u32 irq) { return {*irqs, irq}; }
};

Result<void> AddAccelerator(Board& board);
Result<void> AddMemory(Board& board);
// Begins to read the kernel and to put it into memory, beside the building of the rest.
Result<void> LoadAhead(Board& board);
Result<void> AddPlatform(Board& board);
Result<void> AddPci(Board& board);
Result<void> OpenChardevs(Board& board);
Result<void> AddCharacterPorts(Board& board);
Result<void> AddDisks(Board& board);
Result<void> AddDisplay(Board& board);
Result<void> AddUserDevices(Board& board);
// After the disks: they give the boot order.
Result<void> AddFirmwareConfig(Board& board);
Result<void> AddProcessors(Board& board);
// Loads what the boot processor starts with; at power-on and after each reset, vCPUs paused.
Result<void> LoadGuest(Board& board);
// The boot processor's state after S3, as firmware leaves it; likewise. Memory is as it was.
Result<void> WakeGuest(Board& board);

}  // namespace tandem::frontend
