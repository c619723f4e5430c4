#include "accel/lockstep/mirror.h"

#include <algorithm>

#include "base/check.h"

namespace tandem::accel::lockstep {
namespace {

using devices::FlatRange;

bool IsSame(const FlatRange& a, const FlatRange& b) {
  return a.start == b.start && a.length == b.length && a.ram == b.ram && a.writable == b.writable &&
         a.device == b.device && a.offset == b.offset;
}

}  // namespace

const void* KeyOf(const FlatRange& range) {
  return range.ram ? static_cast<const void*>(range.ram.get()) : range.device.get();
}

std::shared_ptr<devices::Device> Mirror::FindDevice(const FlatRange& range) {
  std::shared_ptr<devices::Device>& device = devices_[KeyOf(range)];
  if (device == nullptr) {
    device = device_for_(range);
  }
  return device;
}

devices::RegionId Mirror::Map(const FlatRange& range) {
  std::shared_ptr<devices::RamBlock> ram = range.ram ? ram_for_(range) : nullptr;
  auto id =
      ram ? space_.MapRam(range.start, range.length, std::move(ram), range.offset, !range.writable)
          : space_.MapIo(range.start, range.length, FindDevice(range), range.offset);
  CHECK(id.ok());  // it was possible once
  return *id;
}

void Mirror::Show(const std::shared_ptr<const devices::FlatView>& view) {
  const auto wanted = view->ranges();
  std::erase_if(shown_, [&](const Shown& shown) {
    const bool stays = std::ranges::any_of(
        wanted, [&](const FlatRange& range) { return IsSame(range, shown.range); });
    if (!stays) {
      space_.Unmap(shown.id);
    }
    return !stays;
  });
  for (const FlatRange& range : wanted) {
    const bool is_shown =
        std::ranges::any_of(shown_, [&](const Shown& shown) { return IsSame(range, shown.range); });
    if (!is_shown) {
      shown_.push_back({range, Map(range)});
    }
  }
}

}  // namespace tandem::accel::lockstep
