#include "frontend/machine/machine.h"

#include "base/log.h"
#include "frontend/machine/board.h"

namespace tandem::frontend {

// Lives on the loop's thread; requests from others arrive as posted calls.
struct Machine::Impl {
  Impl(const MachineConfig& config, EventLoop& event_loop, std::function<void(MachineEnd)> end)
      : loop(event_loop),
        on_end(std::move(end)),
        board(config, event_loop, MakeRequests(),
              [this](devices::VcpuId id, const accel::Exit& exit) { OnVcpuExit(id, exit); }) {}

  // The guest does not go on behind the instruction that asks, but for waking, when it is stopped.
  GuestRequests MakeRequests() {
    return {[this] { StopFor([this] { GuestReset(); }); },
            [this] { StopFor([this] { GuestShutdown(); }); },
            [this] { StopFor([this] { Suspend(); }); }, [this] { loop.Post([this] { Wake(); }); },
            [this](int status) {
              StopFor([this, status] { End({EndReason::kGuestExit, status}); });
            }};
  }
  void StopFor(std::function<void()> what) {
    board.run.RequestPause();
    loop.Post(std::move(what));
  }

  void End(MachineEnd end);
  void GuestReset();
  void GuestShutdown();
  void OnVcpuExit(devices::VcpuId id, const accel::Exit& exit);
  void Pause();
  void Resume();
  void Reset();
  void Suspend();
  void Wake();
  bool ResetDevices(Result<void> (*load)(Board&));

  EventLoop& loop;
  std::function<void(MachineEnd)> on_end;
  bool has_ended = false;
  bool is_running = false;
  Board board;
};

void Machine::Impl::End(MachineEnd end) {
  if (!has_ended) {
    has_ended = true;
    Pause();
    on_end(end);
  }
}

void Machine::Impl::GuestReset() {
  if (!board.config.reboots) {
    End({EndReason::kGuestReset});
  } else if (!has_ended) {
    Reset();
  }
}

void Machine::Impl::GuestShutdown() {
  if (board.config.stays_after_shutdown) {
    Pause();
  } else {
    End({EndReason::kGuestShutdown});
  }
}

// On the vCPU's thread, which parks when this returns.
void Machine::Impl::OnVcpuExit(devices::VcpuId id, const accel::Exit& exit) {
  if (std::holds_alternative<accel::ShutDown>(exit)) {
    Log(LogItem::kCpuReset, "vcpu {}: triple fault", id);
    board.requests.reset();
  } else if (const auto* fatal = std::get_if<accel::Fatal>(&exit)) {
    Warn("vcpu {}: {}", id, fatal->message);
    loop.Post([this] { End({EndReason::kInternalError, 1}); });
  }
}

void Machine::Impl::Pause() {
  board.run.Pause();
  if (board.host_clock) {
    board.host_clock->Pause();
  }
  board.accelerator->StopTime();
  is_running = false;
}

void Machine::Impl::Resume() {
  if (board.host_clock) {
    board.host_clock->Resume();
  }
  board.accelerator->StartTime();
  board.run.Resume();
  is_running = true;
}

// False: the guest could not be loaded, and the machine has ended.
bool Machine::Impl::ResetDevices(Result<void> (*load)(Board&)) {
  Pause();
  for (const auto& device : board.devices) {
    device->Reset();
  }
  board.irqs->Reset();
  if (const Result<void> loaded = load(board); !loaded) {
    Warn("reset: {}", loaded.error().message);
    End({EndReason::kInternalError, 1});
    return false;
  }
  return true;
}

void Machine::Impl::Reset() {
  if (ResetDevices(&LoadGuest)) {
    Resume();
  }
}

// S3: time goes on, for the alarm that ends it.
void Machine::Impl::Suspend() {
  if (!has_ended) {
    board.run.Pause();
  }
}

void Machine::Impl::Wake() {
  const u16 status = board.acpi->wake_status();
  if (!has_ended && ResetDevices(&WakeGuest)) {
    board.acpi->ShowWake(status);
    Resume();
  }
}

Machine::Machine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Machine::~Machine() = default;

Result<std::unique_ptr<Machine>> Machine::Build(const MachineConfig& config, EventLoop& loop,
                                                std::function<void(MachineEnd)> on_end) {
  auto impl = std::make_unique<Impl>(config, loop, std::move(on_end));
  Board& board = impl->board;
  Impl* const self = impl.get();
  board.chardevs = std::make_unique<Chardevs>(
      loop, devices::MuxCommands{[self] { self->End({EndReason::kUserQuit}); }, [] {}});
  for (const auto add :
       {&AddAccelerator, &OpenChardevs, &AddMemory, &LoadAhead, &AddPlatform, &AddPci,
        &AddCharacterPorts, &AddDisks, &AddDisplay, &AddUserDevices, &AddFirmwareConfig,
        &AddProcessors, &LoadGuest}) {
    if (Result<void> done = add(board); !done) {
      return done.error();
    }
  }
  if (!board.accelerator_note.empty()) {
    Note("{}", board.accelerator_note);
  }
  return std::unique_ptr<Machine>(new Machine(std::move(impl)));
}

void Machine::Start() { impl_->Resume(); }
void Machine::Pause() { impl_->Pause(); }
void Machine::Resume() { impl_->Resume(); }
void Machine::Reset() { impl_->Reset(); }
void Machine::PowerDown() { impl_->board.acpi->PressPowerButton(); }
std::vector<std::string> Machine::TextScreen() {
  return impl_->board.vga ? impl_->board.vga->TextScreen() : std::vector<std::string>();
}

}  // namespace tandem::frontend
