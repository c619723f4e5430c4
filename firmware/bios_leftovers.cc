#include "firmware/bios_leftovers.h"

#include <algorithm>

#include "base/check.h"
#include "firmware/guest/images.h"

namespace tandem::firmware {
namespace {

// bios_stubs.asm.
constexpr u64 kStubsOffset = 0x1ff00;  // in the BIOS area
constexpr u32 kIgnore = 0xf000ff00;    // segment and offset of each handler
constexpr u32 kMaster = 0xf000ff10;
constexpr u32 kSlave = 0xf000ff20;
constexpr u32 kTimer = 0xf000ff30;

constexpr u32 kMasterVectors = 0x08, kSlaveVectors = 0x70, kLinesEach = 8;

// Intel 8259A: ICW1 to ICW4, then the mask; 8254: channel 0, both bytes, mode 2, 65536.
constexpr PortWrite kPortWrites[] = {
    {0x20, 0x11}, {0x21, kMasterVectors}, {0x21, 0x04},          {0x21, 0x01},
    {0x21, 0xfa}, {0xa0, 0x11},           {0xa1, kSlaveVectors}, {0xa1, 0x02},
    {0xa1, 0x01}, {0xa1, 0xff},           {0x43, 0x34},          {0x40, 0},
    {0x40, 0},
};

u32 HandlerOf(u32 vector) {
  if (vector == kMasterVectors) {
    return kTimer;
  }
  if (vector - kMasterVectors < kLinesEach) {
    return kMaster;
  }
  return vector - kSlaveVectors < kLinesEach ? kSlave : kIgnore;
}

}  // namespace

Result<void> LeaveVectors(const GuestMemory& memory, Bytes& bios_area) {
  const std::span<const std::byte> stubs = BiosStubs();
  CHECK(kStubsOffset + stubs.size() <= bios_area.size());
  std::ranges::copy(stubs, bios_area.begin() + static_cast<long>(kStubsOffset));
  ByteWriter vectors;
  for (u32 vector = 0; vector < 256; ++vector) {
    vectors.U32(HandlerOf(vector));
  }
  return memory.Write(0, vectors.bytes(), "interrupt vectors");
}

std::span<const PortWrite> BiosPortWrites() { return kPortWrites; }

}  // namespace tandem::firmware
