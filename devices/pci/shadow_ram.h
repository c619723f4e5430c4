#pragma once

#include <array>
#include <memory>

#include "devices/bus/address_space.h"

namespace tandem::devices {

// What one segment of 0xc0000-0xfffff shows: the bits of a PAM field (82441FX data sheet, 3.2.18).
enum class PamState : u8 { kRom = 0, kReadOnlyRam = 1, kWriteOnlyRam = 2, kRam = 3 };

// The 13 segments between 0xc0000 and 0xfffff, each RAM or what lies behind it (the end of the BIOS
// ROM from 0xe0000 on, open bus below). Covers what the address space shows there otherwise.
class ShadowRam {
 public:
  static constexpr u32 kSegments = 13;

  // ram holds guest memory from address 0 on; bios may be null.
  ShadowRam(AddressSpace& memory, const std::shared_ptr<RamBlock>& ram,
            const std::shared_ptr<RamBlock>& bios);

  // Segment 0-11: 16 KiB each from 0xc0000 on; 12: 0xf0000-0xfffff. Under the PciHost's lock.
  void SetState(u32 segment, PamState state);

 private:
  struct Segment {
    RegionId ram;
    RegionId write_only;
    PamState state = PamState::kRom;
  };
  void MapBehind(const std::shared_ptr<RamBlock>& bios);
  void MapSegment(u32 index, const std::shared_ptr<RamBlock>& ram,
                  const std::shared_ptr<RamBlock>& bios);

  AddressSpace& memory_;
  std::array<Segment, kSegments> segments_;
};

}  // namespace tandem::devices
