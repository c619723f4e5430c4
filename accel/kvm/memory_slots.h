#pragma once

#include <memory>
#include <vector>

#include "accel/kvm/run_door.h"
#include "base/mutex.h"
#include "devices/bus/address_space.h"

namespace tandem::accel::kvm {

// KVM's memory slots, kept in step with the memory map: RAM, and ROM as read-only slots. What is no
// whole page of RAM has none, so that accesses leave KVM_RUN and go through the map.
class MemorySlots final : public devices::TopologyListener {
 public:
  MemorySlots(int vm_fd, u32 capacity) : vm_fd_(vm_fd), capacity_(capacity) {}
  ~MemorySlots() override;

  // Follows the map from now on; it outlives the slots.
  void Follow(devices::AddressSpace& memory);
  bool is_following() const { return memory_ != nullptr; }
  // A vCPU that must not run while its memory is taken away and put back.
  void AddDoor(RunDoor& door);
  void RemoveDoor(RunDoor& door);

 private:
  struct Slot {
    u32 id = 0;
    Gpa start;
    u64 length = 0;
    std::shared_ptr<devices::RamBlock> ram;
    u64 offset = 0;  // in ram
    bool is_read_only = false;
    bool is_logged = false;

    bool ShowsTheSame(const Slot& other) const;
    bool IsContinuedBy(Gpa next, const std::shared_ptr<devices::RamBlock>& next_ram,
                       u64 next_offset) const;
  };

  void OnViewChanged(const std::shared_ptr<const devices::FlatView>& view) override;
  void OnDirtyLogChanged() override;
  void OnDirtyLogWanted() override;
  void OnDoorbellsChanged() override {}

  static std::vector<Slot> Wanted(const devices::FlatView& view);
  void DropAllBut(const std::vector<Slot>& wanted);
  void AddMissing(std::vector<Slot>& wanted);
  void Set(const Slot& slot, u64 length);
  void ReadLog(const Slot& slot);
  u32 FreeId() const;

  const int vm_fd_;
  const u32 capacity_;
  devices::AddressSpace* memory_ = nullptr;
  // Guards all below. A leaf although vCPUs are waited for: to leave KVM_RUN they need no lock.
  Mutex mu_{LockRank::kLeaf};
  std::vector<Slot> slots_;
  std::vector<RunDoor*> doors_;
};

}  // namespace tandem::accel::kvm
