#pragma once

#include <map>
#include <memory>
#include <optional>

#include "base/event_loop.h"
#include "base/mutex.h"
#include "devices/bus/irq_events.h"
#include "devices/bus/irq_latches.h"

namespace tandem::devices {

// All events of a machine that interrupt, whoever executes its code: the accelerator sees to those
// that it can, the event loop to the others.
class IrqEventTable final : public IrqEvents {
 public:
  // How the present interrupt controllers are reached.
  struct Ways {
    IrqEvents* kernel = nullptr;    // an accelerator's (KernelIrqs::events)
    IrqLatches* latches = nullptr;  // of controllers of ours; null: they are the kernel's
  };

  // Both outlive it. Nothing interrupts until Attach.
  IrqEventTable(EventLoop& loop, IrqChip& chip) : loop_(loop), chip_(chip) {}
  ~IrqEventTable() override { Detach(); }

  // Any thread; locks of devices may be held.
  Result<void> Connect(const std::shared_ptr<EventFd>& event, const IrqTarget& target) override;
  void Disconnect(const std::shared_ptr<EventFd>& event) override;

  // Around a change of the controllers behind chip, while nobody else calls. No signal is lost:
  // when Detach returns it has interrupted, or it waits in its event for Attach. Lines with
  // resample are low in between, and asked again.
  void Attach(const Ways& ways);
  void Detach();

 private:
  enum class Place : u8 { kNowhere, kKernel, kLoop };
  struct Connection {
    std::shared_ptr<EventFd> event;
    IrqTarget target;
    Place place = Place::kNowhere;
  };

  Result<void> Put(Connection& connection);
  std::optional<Gsi> Lift(Connection& connection);
  void OnSignal(int fd);
  void Raise(const IrqTarget& target, IrqLatches* latches);
  void Lower(IrqLatches* latches, std::optional<Gsi> gsi);
  void AskAgain(Gsi gsi);
  void WaitForLoop(UniqueLock& lock);

  EventLoop& loop_;
  IrqChip& chip_;

  Mutex mu_{LockRank::kIrqChip};  // guards the fields below; not held while controllers are called
  CondVar changed_;
  bool is_attached_ = false;
  bool is_raising_ = false;  // the loop's thread calls controllers
  Ways ways_;
  std::map<int, Connection> connections_;  // by their events' descriptors

  // Guards resamples_: of lines that the loop raises. The controllers call with their lock held.
  Mutex resample_mu_{LockRank::kLeaf};
  std::multimap<Gsi, std::shared_ptr<EventFd>> resamples_;
};

}  // namespace tandem::devices
