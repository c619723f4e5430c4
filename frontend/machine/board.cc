#include "frontend/machine/board.h"

#include <algorithm>

namespace tandem::frontend {

Board::Board(const MachineConfig& machine_config, EventLoop& event_loop,
             GuestRequests guest_requests, accel::VcpuThread::ExitHandler on_exit)
    : config(machine_config),
      loop(event_loop),
      requests(std::move(guest_requests)),
      run(std::move(on_exit)) {
  if (config.icount_shift) {
    instruction_clock = std::make_unique<devices::InstructionClock>(*config.icount_shift);
  } else {
    host_clock = std::make_unique<devices::HostClock>(loop);
  }
}

// Processors first: they use everything else.
Board::~Board() { run.Stop(); }

devices::Clock& Board::clock() {
  if (instruction_clock) {
    return *instruction_clock;
  }
  return *host_clock;
}

bool Board::BootsThroughBios() const {
  const auto is_flash = [](const DriveConfig& drive) {
    return drive.interface == DriveInterface::kPflash;
  };
  return config.kernel.empty() || !config.bios.empty() ||
         std::any_of(config.drives.begin(), config.drives.end(), is_flash);
}

firmware::Board Board::Facts() const {
  firmware::Board facts;
  facts.ram_bytes = config.ram_bytes;
  facts.cpus = config.smp.cpus;
  facts.max_cpus = config.smp.max_cpus;
  facts.has_hpet = config.has_hpet;
  facts.has_parallel = has_parallel;
  facts.serial_ports = serial_ports;
  facts.uuid = config.uuid;
  facts.name = config.name;
  return facts;
}

Result<void> Board::AddPorts(u64 port, u64 length, std::shared_ptr<devices::Device> device,
                             u64 device_offset) {
  if (devices.empty() || devices.back() != device) {
    devices.push_back(device);
  }
  const auto mapped = ports.MapIo(Gpa(port), length, std::move(device), device_offset);
  return mapped ? Result<void>() : mapped.error();
}

Result<void> Board::AddMmio(u64 address, u64 length, std::shared_ptr<devices::Device> device) {
  devices.push_back(device);
  const auto mapped = memory.MapIo(Gpa(address), length, std::move(device));
  return mapped ? Result<void>() : mapped.error();
}

}  // namespace tandem::frontend
