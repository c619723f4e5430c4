#include "devices/irqchip/irq_event_table.h"

#include <sys/epoll.h>

#include <algorithm>
#include <vector>

#include "base/log.h"

namespace tandem::devices {
namespace {

// Null: it is a message, or a line without resample.
const EventLine* HeldLine(const IrqTarget& target) {
  const auto* const line = std::get_if<EventLine>(&target);
  return line != nullptr && line->resample ? line : nullptr;
}

}  // namespace

// One that the kernel has goes over to its new target without a gap.
Result<void> IrqEventTable::Connect(const std::shared_ptr<EventFd>& event,
                                    const IrqTarget& target) {
  UniqueLock lock(mu_);
  WaitForLoop(lock);
  Connection& connection = connections_[event->fd()];
  connection.event = event;
  if (!is_attached_) {
    connection.target = target;
    return {};
  }
  std::optional<Gsi> lifted;
  if (connection.place == Place::kLoop) {
    lifted = Lift(connection);
  }
  connection.target = target;
  const Result<void> done = Put(connection);
  if (!done) {
    connections_.erase(event->fd());
  }
  IrqLatches* const latches = ways_.latches;
  lock.unlock();
  Lower(latches, lifted);
  return done;
}

void IrqEventTable::Disconnect(const std::shared_ptr<EventFd>& event) {
  UniqueLock lock(mu_);
  WaitForLoop(lock);
  const auto found = connections_.find(event->fd());
  if (found == connections_.end()) {
    return;
  }
  const std::optional<Gsi> lifted = Lift(found->second);
  connections_.erase(found);
  IrqLatches* const latches = ways_.latches;
  lock.unlock();
  Lower(latches, lifted);
}

void IrqEventTable::Attach(const Ways& ways) {
  if (ways.latches != nullptr) {
    ways.latches->SetLatchEndHandler([this](Gsi gsi) { AskAgain(gsi); });
  }
  MutexLock lock(mu_);
  CHECK(!is_attached_);
  is_attached_ = true;
  ways_ = ways;
  for (auto& [fd, connection] : connections_) {
    if (const Result<void> done = Put(connection); !done) {
      Warn("{}", done.error().message);
    } else if (const EventLine* const line = HeldLine(connection.target)) {
      line->resample->Signal();
    }
  }
}

void IrqEventTable::Detach() {
  UniqueLock lock(mu_);
  WaitForLoop(lock);
  std::vector<std::optional<Gsi>> lifted;
  for (auto& [fd, connection] : connections_) {
    lifted.push_back(Lift(connection));
  }
  is_attached_ = false;
  IrqLatches* const latches = std::exchange(ways_, {}).latches;
  lock.unlock();
  for (const std::optional<Gsi>& gsi : lifted) {
    Lower(latches, gsi);
  }
  if (latches != nullptr) {
    latches->SetLatchEndHandler([](Gsi) {});
  }
}

Result<void> IrqEventTable::Put(Connection& connection) {
  connection.place = Place::kNowhere;
  if (ways_.kernel != nullptr && ways_.kernel->Connect(connection.event, connection.target).ok()) {
    connection.place = Place::kKernel;
    return {};
  }
  if (const EventLine* const line = HeldLine(connection.target)) {
    if (ways_.latches == nullptr) {
      return Fail("the kernel refuses to hold interrupt line {}: use kernel-irqchip=split",
                  line->gsi);
    }
    MutexLock lock(resample_mu_);
    resamples_.emplace(line->gsi, line->resample);
  }
  connection.place = Place::kLoop;
  const int fd = connection.event->fd();
  loop_.Watch(fd, EPOLLIN, [this, fd](u32) { OnSignal(fd); });
  return {};
}

// What it returns is to be given to Lower.
std::optional<Gsi> IrqEventTable::Lift(Connection& connection) {
  const Place place = std::exchange(connection.place, Place::kNowhere);
  if (place == Place::kKernel) {
    ways_.kernel->Disconnect(connection.event);
  }
  if (place != Place::kLoop) {
    return std::nullopt;
  }
  loop_.Unwatch(connection.event->fd());
  const EventLine* const line = HeldLine(connection.target);
  if (line == nullptr) {
    return std::nullopt;
  }
  MutexLock lock(resample_mu_);
  const auto [begin, end] = resamples_.equal_range(line->gsi);
  resamples_.erase(
      std::find_if(begin, end, [&](const auto& entry) { return entry.second == line->resample; }));
  return line->gsi;
}

// Whether the line was up by the one that is gone is not known: the others are asked.
void IrqEventTable::Lower(IrqLatches* latches, std::optional<Gsi> gsi) {
  if (gsi) {
    latches->SetLatch(*gsi, false);
    AskAgain(*gsi);
  }
}

void IrqEventTable::AskAgain(Gsi gsi) {
  MutexLock lock(resample_mu_);
  const auto [begin, end] = resamples_.equal_range(gsi);
  for (auto entry = begin; entry != end; ++entry) {
    entry->second->Signal();
  }
}

void IrqEventTable::OnSignal(int fd) {
  UniqueLock lock(mu_);
  const auto found = connections_.find(fd);
  if (found == connections_.end() || found->second.place != Place::kLoop ||
      found->second.event->Take() == 0) {
    return;
  }
  const IrqTarget target = found->second.target;
  IrqLatches* const latches = ways_.latches;
  is_raising_ = true;
  lock.unlock();
  Raise(target, latches);
  lock.lock();
  is_raising_ = false;
  changed_.notify_all();
}

void IrqEventTable::Raise(const IrqTarget& target, IrqLatches* latches) {
  if (const auto* const message = std::get_if<MsiMessage>(&target)) {
    chip_.SendMsi(*message);
    return;
  }
  const EventLine& line = std::get<EventLine>(target);
  if (line.resample) {
    latches->SetLatch(line.gsi, true);
  } else {
    IrqLine(chip_, line.gsi).Pulse();
  }
}

// Until what was signalled has interrupted.
void IrqEventTable::WaitForLoop(UniqueLock& lock) {
  if (!loop_.IsCurrent()) {
    changed_.wait(lock, [this] { return !is_raising_; });
  }
}

}  // namespace tandem::devices
