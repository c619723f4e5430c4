#include "accel/lockstep/journal.h"

#include <fmt/format.h>

namespace tandem::accel::lockstep {
namespace {

bool IsPassive(EventKind kind) { return kind == EventKind::kData || kind == EventKind::kView; }

bool IsWrite(EventKind kind) {
  return kind == EventKind::kWrite || kind == EventKind::kApicWrite ||
         kind == EventKind::kApicMsrWrite || kind == EventKind::kPriorityWrite;
}

bool IsSame(const Event& a, const Event& b) {
  return a.kind == b.kind && a.size == b.size && a.target == b.target && a.offset == b.offset &&
         (!IsWrite(a.kind) || a.value == b.value);
}

}  // namespace

std::string EventText(const Event& event) {
  const auto value = [&] { return fmt::format(" = {:#x}", event.value); };
  switch (event.kind) {
    case EventKind::kRead:
      return fmt::format("read of {} from device {} at {:#x}", event.size, event.target,
                         event.offset);
    case EventKind::kWrite:
      return fmt::format("write of {} to device {} at {:#x}", event.size, event.target,
                         event.offset) +
             value();
    case EventKind::kApicRead:
      return fmt::format("read of the local APIC at {:#x}", event.offset);
    case EventKind::kApicWrite:
      return fmt::format("write to the local APIC at {:#x}", event.offset) + value();
    case EventKind::kApicMsrRead:
      return fmt::format("read of MSR {:#x}", event.offset);
    case EventKind::kApicMsrWrite:
      return fmt::format("write of MSR {:#x}", event.offset) + value();
    case EventKind::kPriorityRead:
      return "read of CR8";
    case EventKind::kPriorityWrite:
      return "write of CR8" + value();
    case EventKind::kTime:
      return "read of the time-stamp counter";
    case EventKind::kData:
      return fmt::format("a device's write of {} bytes to memory", event.data.size());
    case EventKind::kView:
      return "a change of the memory map";
  }
  return "nothing";
}

void Journal::ApplyPassive() {
  while (at_ < events_.size() && IsPassive(events_[at_].kind)) {
    apply_(events_[at_++]);
  }
}

std::optional<u64> Journal::Replay(const Event& wanted) {
  ApplyPassive();
  if (!defect_.empty()) {
    return std::nullopt;
  }
  if (!IsNext(wanted)) {
    defect_ = fmt::format("{}; the other engine: {}", EventText(wanted), Next());
    return std::nullopt;
  }
  const u64 value = events_[at_++].value;
  ApplyPassive();
  return value;
}

bool Journal::IsNext(const Event& wanted) {
  ApplyPassive();
  return at_ != events_.size() && IsSame(events_[at_], wanted);
}

std::string Journal::Next() const {
  return at_ == events_.size() ? "nothing" : EventText(events_[at_]);
}

void Journal::Settle() {
  events_.clear();
  at_ = 0;
}

void Journal::Rewind() {
  at_ = 0;
  defect_.clear();
}

}  // namespace tandem::accel::lockstep
