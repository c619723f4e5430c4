#include "accel/kvm/memory_slots.h"

#include <linux/kvm.h>

#include <algorithm>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "base/bits.h"
#include "base/log.h"

namespace tandem::accel::kvm {

bool MemorySlots::Slot::ShowsTheSame(const Slot& other) const {
  return start == other.start && length == other.length && ram == other.ram &&
         offset == other.offset && is_read_only == other.is_read_only;
}

bool MemorySlots::Slot::IsContinuedBy(Gpa next, const std::shared_ptr<devices::RamBlock>& next_ram,
                                      u64 next_offset) const {
  return start + length == next && ram == next_ram && offset + length == next_offset;
}

MemorySlots::~MemorySlots() {
  if (memory_ != nullptr) {
    memory_->Unlisten(*this);
  }
}

void MemorySlots::Follow(devices::AddressSpace& memory) {
  memory_ = &memory;
  memory.Listen(*this);
}

void MemorySlots::AddDoor(RunDoor& door) {
  MutexLock lock(mu_);
  doors_.push_back(&door);
}

void MemorySlots::RemoveDoor(RunDoor& door) {
  MutexLock lock(mu_);
  std::erase(doors_, &door);
}

// The whole pages of RAM and ROM.
std::vector<MemorySlots::Slot> MemorySlots::Wanted(const devices::FlatView& view) {
  std::vector<Slot> wanted;
  for (const devices::FlatRange& range : view.ranges()) {
    const u64 start = AlignUp(range.start.value, kPageSize);
    const u64 end = AlignDown(range.start.value + range.length, kPageSize);
    const u64 offset = range.offset + (start - range.start.value);
    if (range.ram == nullptr || start >= end || offset % kPageSize != 0) {
      continue;
    }
    if (!wanted.empty() && wanted.back().IsContinuedBy(Gpa(start), range.ram, offset) &&
        wanted.back().is_read_only == !range.writable) {
      wanted.back().length += end - start;
      continue;
    }
    wanted.push_back({.start = Gpa(start),
                      .length = end - start,
                      .ram = range.ram,
                      .offset = offset,
                      .is_read_only = !range.writable,
                      .is_logged = range.ram->dirty_logging()});
  }
  return wanted;
}

// Two threads may change the map at once and be heard in the wrong order: what it is now counts.
void MemorySlots::OnViewChanged(const std::shared_ptr<const devices::FlatView>&) {
  MutexLock lock(mu_);
  std::vector<Slot> wanted = Wanted(*memory_->View());
  const bool loses_some = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return std::none_of(wanted.begin(), wanted.end(),
                        [&](const Slot& other) { return other.ShowsTheSame(slot); });
  });
  if (loses_some) {
    for (RunDoor* door : doors_) {
      door->Close();
    }
    DropAllBut(wanted);
  }
  AddMissing(wanted);
  if (loses_some) {
    for (RunDoor* door : doors_) {
      door->Open();
    }
  }
}

void MemorySlots::DropAllBut(const std::vector<Slot>& wanted) {
  std::erase_if(slots_, [&](const Slot& slot) {
    const bool is_wanted = std::any_of(wanted.begin(), wanted.end(),
                                       [&](const Slot& other) { return other.ShowsTheSame(slot); });
    if (!is_wanted) {
      ReadLog(slot);
      Set(slot, 0);
    }
    return !is_wanted;
  });
}

void MemorySlots::AddMissing(std::vector<Slot>& wanted) {
  for (Slot& slot : wanted) {
    const bool is_there = std::any_of(slots_.begin(), slots_.end(),
                                      [&](const Slot& other) { return other.ShowsTheSame(slot); });
    if (!is_there) {
      slot.id = FreeId();
      Set(slot, slot.length);
      slots_.push_back(slot);
    }
  }
}

// Accesses to memory without a slot work too, slowly: too many slots are no reason to end.
void MemorySlots::Set(const Slot& slot, u64 length) {
  kvm_userspace_memory_region region{};
  region.slot = slot.id;
  region.flags =
      (slot.is_read_only ? KVM_MEM_READONLY : 0) | (slot.is_logged ? KVM_MEM_LOG_DIRTY_PAGES : 0);
  region.guest_phys_addr = slot.start.value;
  region.memory_size = length;
  region.userspace_addr = reinterpret_cast<u64>(slot.ram->data() + slot.offset);
  Log(LogItem::kAccel, "kvm: slot {}: {:#x} bytes of '{}' at {:#x}{}{}", slot.id, length,
      slot.ram->name(), slot.start.value, slot.is_read_only ? ", read-only" : "",
      slot.is_logged ? ", logged" : "");
  if (slot.id >= capacity_ || Call(vm_fd_, KVM_SET_USER_MEMORY_REGION, &region) != 0) {
    Warn("kvm: {:#x} bytes at {:#x} have no memory slot: {}", slot.length, slot.start.value,
         slot.id >= capacity_ ? "there are no more" : std::strerror(errno));
  }
}

u32 MemorySlots::FreeId() const {
  u32 id = 0;
  while (
      std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; })) {
    ++id;
  }
  return id;
}

void MemorySlots::OnDirtyLogChanged() {
  MutexLock lock(mu_);
  for (Slot& slot : slots_) {
    const bool is_logged = slot.ram->dirty_logging();
    if (is_logged != slot.is_logged) {
      ReadLog(slot);
      slot.is_logged = is_logged;
      Set(slot, slot.length);
    }
  }
}

void MemorySlots::OnDirtyLogWanted() {
  MutexLock lock(mu_);
  for (const Slot& slot : slots_) {
    ReadLog(slot);
  }
}

// api.rst, KVM_GET_DIRTY_LOG: the pages written since the last call; the kernel forgets them.
void MemorySlots::ReadLog(const Slot& slot) {
  if (!slot.is_logged || slot.is_read_only) {
    return;
  }
  const u64 pages = slot.length / kPageSize;
  std::vector<u64> bitmap((pages + 63) / 64);
  kvm_dirty_log log{};
  log.slot = slot.id;
  log.dirty_bitmap = bitmap.data();
  if (Call(vm_fd_, KVM_GET_DIRTY_LOG, &log) != 0) {
    return;
  }
  for (u64 page = 0; page < pages; ++page) {
    if (Bit(bitmap[page / 64], page % 64)) {
      slot.ram->MarkDirty(slot.offset + page * kPageSize, kPageSize);
    }
  }
}

}  // namespace tandem::accel::kvm
