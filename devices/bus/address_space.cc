#include "devices/bus/address_space.h"

#include <algorithm>

#include "base/bits.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

// Cuts [start, start + length) out of the sorted, disjoint ranges.
void CutOut(std::vector<FlatRange>& ranges, Gpa start, u64 length) {
  const u64 end = start.value + length;
  std::vector<FlatRange> kept;
  for (FlatRange& range : ranges) {
    const u64 range_end = range.start.value + range.length;
    if (range_end <= start.value || range.start.value >= end) {
      kept.push_back(range);
      continue;
    }
    if (range.start < start) {
      FlatRange left = range;
      left.length = start - range.start;
      kept.push_back(left);
    }
    if (range_end > end) {
      FlatRange right = range;
      right.offset += end - range.start.value;
      right.start = Gpa(end);
      right.length = range_end - end;
      kept.push_back(right);
    }
  }
  ranges = std::move(kept);
}

void Insert(std::vector<FlatRange>& ranges, FlatRange range) {
  const auto at =
      std::upper_bound(ranges.begin(), ranges.end(), range.start,
                       [](Gpa start, const FlatRange& other) { return start < other.start; });
  ranges.insert(at, std::move(range));
}

// The parts of base within [target, target + length), moved so that target lands on start.
std::vector<FlatRange> MovedParts(const std::vector<FlatRange>& base, Gpa target, u64 length,
                                  Gpa start) {
  std::vector<FlatRange> parts;
  for (const FlatRange& range : base) {
    const u64 from = std::max(range.start.value, target.value);
    const u64 to = std::min(range.start.value + range.length, target.value + length);
    if (from >= to) {
      continue;
    }
    FlatRange part = range;
    part.offset += from - range.start.value;
    part.start = start + (from - target.value);
    part.length = to - from;
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

Result<RegionId> AddressSpace::MapRam(Gpa start, u64 length, std::shared_ptr<RamBlock> block,
                                      u64 block_offset, bool read_only, Placement placement) {
  const std::optional<u64> block_end = CheckedAdd(block_offset, length);
  if (!block_end || *block_end > block->size()) {
    return Fail("region at {:#x}: {} bytes from {:#x} exceed memory block '{}'", start.value,
                length, block_offset, block->name());
  }
  return Add({{},
              Kind::kRam,
              start,
              length,
              placement,
              read_only,
              std::move(block),
              nullptr,
              block_offset});
}

Result<RegionId> AddressSpace::MapIo(Gpa start, u64 length, std::shared_ptr<Device> device,
                                     u64 device_offset, Placement placement) {
  return Add(
      {{}, Kind::kIo, start, length, placement, false, nullptr, std::move(device), device_offset});
}

Result<RegionId> AddressSpace::MapAlias(Gpa start, u64 length, Gpa target, Placement placement) {
  return Add({{}, Kind::kAlias, start, length, placement, false, nullptr, nullptr, target.value});
}

Result<RegionId> AddressSpace::Add(Region region) {
  if (region.length == 0 || !CheckedAdd(region.start.value, region.length)) {
    return Fail("region at {:#x}: {} bytes do not fit the address space", region.start.value,
                region.length);
  }
  UniqueLock lock(mu_);
  region.id = RegionId{next_id_++};
  const RegionId id = region.id;
  const auto at = std::upper_bound(
      regions_.begin(), regions_.end(), region.placement.priority,
      [](i32 priority, const Region& other) { return priority < other.placement.priority; });
  regions_.insert(at, std::move(region));
  Publish(lock);
  return id;
}

void AddressSpace::Unmap(RegionId id) {
  UniqueLock lock(mu_);
  const size_t erased = std::erase_if(regions_, [&](const Region& r) { return r.id == id; });
  CHECK(erased == 1);
  Publish(lock);
}

template <typename Edit>
void AddressSpace::Change(RegionId id, Edit edit) {
  UniqueLock lock(mu_);
  const auto it = std::find_if(regions_.begin(), regions_.end(),
                               [&](const Region& region) { return region.id == id; });
  CHECK(it != regions_.end());
  if (edit(*it)) {
    Publish(lock);
  }
}

void AddressSpace::SetEnabled(RegionId id, bool enabled) {
  Change(id, [&](Region& r) { return std::exchange(r.placement.enabled, enabled) != enabled; });
}

void AddressSpace::Move(RegionId id, Gpa start) {
  Change(id, [&](Region& r) { return std::exchange(r.start, start) != start; });
}

void AddressSpace::SetReadOnly(RegionId id, bool read_only) {
  Change(id, [&](Region& r) { return std::exchange(r.read_only, read_only) != read_only; });
}

std::vector<FlatRange> AddressSpace::Flatten(bool with_aliases) const {
  const std::vector<FlatRange> base =
      with_aliases ? Flatten(/*with_aliases=*/false) : std::vector<FlatRange>{};
  std::vector<FlatRange> flat;
  for (const Region& region : regions_) {
    const bool is_alias = region.kind == Kind::kAlias;
    if (!region.placement.enabled || (is_alias && !with_aliases)) {
      continue;
    }
    std::vector<FlatRange> parts;
    if (is_alias) {
      parts = MovedParts(base, Gpa(region.offset), region.length, region.start);
    } else {
      parts.push_back({region.start, region.length, region.ram, !region.read_only, region.device,
                       region.offset});
    }
    for (FlatRange& part : parts) {
      CutOut(flat, part.start, part.length);
      Insert(flat, std::move(part));
    }
  }
  return flat;
}

// Makes the new view visible, then tells the listeners with the lock released.
void AddressSpace::Publish(std::unique_lock<Mutex>& lock) {
  auto view = std::make_shared<const FlatView>(Flatten(/*with_aliases=*/true));
  view_.store(view);
  lock.unlock();
  const auto listeners = listeners_.load();
  for (TopologyListener* listener : *listeners) {
    listener->OnViewChanged(view);
  }
}

void AddressSpace::Listen(TopologyListener& listener) {
  {
    MutexLock lock(mu_);
    Listeners listeners = *listeners_.load();
    listeners.push_back(&listener);
    listeners_.store(std::make_shared<Listeners>(std::move(listeners)));
  }
  listener.OnViewChanged(View());
}

void AddressSpace::Unlisten(TopologyListener& listener) {
  MutexLock lock(mu_);
  Listeners listeners = *listeners_.load();
  std::erase(listeners, &listener);
  listeners_.store(std::make_shared<Listeners>(std::move(listeners)));
}

void AddressSpace::NotifyDirtyLogChanged() {
  const auto listeners = listeners_.load();
  for (TopologyListener* listener : *listeners) {
    listener->OnDirtyLogChanged();
  }
}

void AddressSpace::CollectDirty() {
  const auto listeners = listeners_.load();
  for (TopologyListener* listener : *listeners) {
    listener->OnDirtyLogWanted();
  }
}

void AddressSpace::SetDoorbells(Device& device, Doorbells doorbells) {
  for (auto doorbell = doorbells.begin(); doorbell != doorbells.end(); ++doorbell) {
    CHECK(doorbell->event != nullptr && (doorbell->size != 0 || !doorbell->value));
    CHECK(std::none_of(doorbells.begin(), doorbell,
                       [&](const Doorbell& earlier) { return earlier.Overlaps(*doorbell); }));
  }
  device.doorbells_.store(
      doorbells.empty() ? nullptr : std::make_shared<const Doorbells>(std::move(doorbells)));
  const auto listeners = listeners_.load();
  for (TopologyListener* listener : *listeners) {
    listener->OnDoorbellsChanged();
  }
}

}  // namespace tandem::devices
