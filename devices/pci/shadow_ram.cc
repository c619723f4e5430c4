#include "devices/pci/shadow_ram.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tandem::devices {
namespace {

constexpr u64 kShadowBase = 0xc0000;
constexpr u64 kRomBase = 0xe0000;
constexpr u64 kShadowEnd = 0x100000;
constexpr u64 kSegmentSize = 0x4000;

constexpr i32 kBehindPriority = 1;
constexpr i32 kShadowPriority = 2;

// Where the end of bios, which ends at 1 MiB, begins to show.
u64 RomStart(const RamBlock& bios) {
  return kShadowEnd - std::min(bios.size(), kShadowEnd - kRomBase);
}

// Reads come from the ROM behind, writes go to RAM: how a BIOS copies itself in place.
class WriteOnlySegment final : public Device {
 public:
  WriteOnlySegment(u64 base, std::shared_ptr<RamBlock> ram, std::shared_ptr<RamBlock> bios)
      : base_(base), ram_(std::move(ram)), bios_(std::move(bios)) {}

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override {
    const u64 at = base_ + offset;
    std::fill(data.begin(), data.end(), std::byte{0xff});
    if (bios_ && at >= RomStart(*bios_)) {
      std::memcpy(data.data(), bios_->data() + bios_->size() - (kShadowEnd - at), data.size());
    }
  }
  void DoWrite(u64 offset, std::span<const std::byte> data) override {
    std::memcpy(ram_->data() + base_ + offset, data.data(), data.size());
    ram_->MarkDirty(base_ + offset, data.size());
  }
  void DoReset() override {}

  const u64 base_;
  const std::shared_ptr<RamBlock> ram_;
  const std::shared_ptr<RamBlock> bios_;
};

class OpenBus final : public Device {
 private:
  void DoRead(u64, std::span<std::byte> data) override {
    std::fill(data.begin(), data.end(), std::byte{0xff});
  }
  void DoWrite(u64, std::span<const std::byte>) override {}
  void DoReset() override {}
};

u64 SegmentBase(u32 index) { return kShadowBase + index * kSegmentSize; }
u64 SegmentLength(u32 index) { return index == 12 ? 4 * kSegmentSize : kSegmentSize; }

RegionId Mapped(Result<RegionId> region) {
  CHECK(region.ok());
  return *region;
}

}  // namespace

ShadowRam::ShadowRam(AddressSpace& memory, const std::shared_ptr<RamBlock>& ram,
                     const std::shared_ptr<RamBlock>& bios)
    : memory_(memory) {
  CHECK(ram->size() >= kShadowEnd);
  MapBehind(bios);
  for (u32 index = 0; index < kSegments; ++index) {
    MapSegment(index, ram, bios);
  }
}

void ShadowRam::MapBehind(const std::shared_ptr<RamBlock>& bios) {
  Mapped(memory_.MapIo(Gpa(kShadowBase), kShadowEnd - kShadowBase, std::make_shared<OpenBus>(), 0,
                       {.priority = kBehindPriority}));
  if (bios) {
    const u64 start = RomStart(*bios);
    const u64 length = kShadowEnd - start;
    Mapped(memory_.MapRam(Gpa(start), length, bios, bios->size() - length, /*read_only=*/true,
                          {.priority = kBehindPriority}));
  }
}

void ShadowRam::MapSegment(u32 index, const std::shared_ptr<RamBlock>& ram,
                           const std::shared_ptr<RamBlock>& bios) {
  const u64 base = SegmentBase(index);
  const u64 length = SegmentLength(index);
  const AddressSpace::Placement hidden{.priority = kShadowPriority, .enabled = false};
  segments_[index].ram = Mapped(memory_.MapRam(Gpa(base), length, ram, base, false, hidden));
  segments_[index].write_only = Mapped(memory_.MapIo(
      Gpa(base), length, std::make_shared<WriteOnlySegment>(base, ram, bios), 0, hidden));
}

void ShadowRam::SetState(u32 index, PamState state) {
  CHECK(index < kSegments);
  Segment& segment = segments_[index];
  if (std::exchange(segment.state, state) == state) {
    return;
  }
  const bool shows_ram = state == PamState::kReadOnlyRam || state == PamState::kRam;
  memory_.SetReadOnly(segment.ram, state == PamState::kReadOnlyRam);
  memory_.SetEnabled(segment.ram, shows_ram);
  memory_.SetEnabled(segment.write_only, state == PamState::kWriteOnlyRam);
}

}  // namespace tandem::devices
