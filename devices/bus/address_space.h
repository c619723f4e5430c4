#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "devices/bus/flat_view.h"

namespace tandem::devices {

// Told of each change of an address space, on the thread that made it, after the new view can be
// seen and with no lock held but those of ranks above it.
class TopologyListener {
 public:
  virtual ~TopologyListener() = default;
  virtual void OnViewChanged(const std::shared_ptr<const FlatView>& view) = 0;
  // Writable pages may no longer be cached: a dirty bitmap was read or logging was switched.
  virtual void OnDirtyLogChanged() = 0;
  // Who knows of written pages that no MarkDirty was called for marks them now.
  virtual void OnDirtyLogWanted() = 0;
  // A device has other doorbells. Locks of any rank but the last may be held.
  virtual void OnDoorbellsChanged() = 0;
};

enum class RegionId : u32 {};

// The memory map, or the port map (a Gpa is then a port number). Regions may overlap: the highest
// priority wins, among equals the newest. Writers are serialised; readers use immutable views.
class AddressSpace {
 public:
  // The parts of a range's mapping that most callers leave alone.
  struct Placement {
    i32 priority = 0;
    bool enabled = true;
  };

  // length bytes of block from block_offset, page-aligned as is start. read_only: writes are
  // dropped.
  Result<RegionId> MapRam(Gpa start, u64 length, std::shared_ptr<RamBlock> block, u64 block_offset,
                          bool read_only, Placement placement = {0, true});
  // The device sees offsets from device_offset on.
  Result<RegionId> MapIo(Gpa start, u64 length, std::shared_ptr<Device> device,
                         u64 device_offset = 0, Placement placement = {0, true});
  // Shows what lies at target (by the regions other than aliases).
  Result<RegionId> MapAlias(Gpa start, u64 length, Gpa target, Placement placement = {0, true});

  // Ids stay valid until Unmap; using a dead one is a bug (CHECK).
  void Unmap(RegionId id);
  void SetEnabled(RegionId id, bool enabled);
  void Move(RegionId id, Gpa start);
  void SetReadOnly(RegionId id, bool read_only);

  // These instead of the doorbells that the device had, wherever it is mapped, which may change as
  // it likes. It is mapped in this space only; no two of them take the same write. Any thread, the
  // device's lock may be held; a write that is just under way may still ring an old one.
  void SetDoorbells(Device& device, Doorbells doorbells);

  // Any thread, no lock.
  std::shared_ptr<const FlatView> View() const { return view_.load(); }

  // The listener outlives its registration and is told of the present view at once.
  void Listen(TopologyListener& listener);
  void Unlisten(TopologyListener& listener);
  // Logging of a block was switched, or its bitmap was read.
  void NotifyDirtyLogChanged();
  // To be called before a block's bitmap is read: accelerators may log writes elsewhere.
  void CollectDirty();

 private:
  enum class Kind : u8 { kRam, kIo, kAlias };
  struct Region {
    RegionId id;
    Kind kind;
    Gpa start;
    u64 length;
    Placement placement;
    bool read_only = false;
    std::shared_ptr<RamBlock> ram;
    std::shared_ptr<Device> device;
    u64 offset = 0;  // in ram or device; of an alias: the target address
  };

  Result<RegionId> Add(Region region);
  template <typename Edit>
  void Change(RegionId id, Edit edit);
  void Publish(std::unique_lock<Mutex>& lock);
  std::vector<FlatRange> Flatten(bool with_aliases) const;

  Mutex mu_{LockRank::kAddressSpace};  // guards regions_, next_id_, and who may change listeners_
  std::vector<Region> regions_;        // in order of priority, then age: later ones lie on top
  u32 next_id_ = 1;
  using Listeners = std::vector<TopologyListener*>;
  std::atomic<std::shared_ptr<const Listeners>> listeners_{std::make_shared<Listeners>()};
  std::atomic<std::shared_ptr<const FlatView>> view_{
      std::make_shared<FlatView>(std::vector<FlatRange>{})};
};

}  // namespace tandem::devices
