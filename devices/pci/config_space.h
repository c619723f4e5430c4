#pragma once

#include <array>

#include "base/ints.h"
#include "base/mutex.h"
#include "devices/pci/pci_regs.h"

namespace tandem::devices {

// The 256 configuration bytes of one PCI function, with what a guest may change of each. Any
// thread: devices look at it (bus master enable, MSI) while they hold their own lock.
class ConfigSpace {
 public:
  // size 1, 2 or 4; bytes beyond the end read as zero and swallow writes.
  u32 Get(u32 offset, u32 size) const;
  void Set(u32 offset, u32 size, u32 value);
  u8 Get8(u32 offset) const { return static_cast<u8>(Get(offset, 1)); }
  u16 Get16(u32 offset) const { return static_cast<u16>(Get(offset, 2)); }
  u32 Get32(u32 offset) const { return Get(offset, 4); }

  // Bits that a guest may write, and bits that it clears by writing one.
  void SetWritable(u32 offset, u32 size, u32 mask);
  void SetWriteOneToClear(u32 offset, u32 size, u32 mask);
  // A guest's write, through the masks.
  void GuestWrite(u32 offset, u32 size, u32 value);

  // Takes room for a capability of length bytes, header included, and links it in; its offset.
  u32 AddCapability(u8 id, u32 length);

  // What the bytes are now is what Reset() restores.
  void KeepAsResetState();
  void Reset();

 private:
  using Bytes = std::array<u8, pci::kConfigSize>;

  mutable Mutex mu_{LockRank::kLeaf};  // guards all below
  Bytes bytes_{};
  Bytes writable_{};
  Bytes write_one_to_clear_{};
  Bytes reset_{};
  u32 next_capability_ = 0x40;
  u32 last_link_ = pci::kCapabilities;
};

}  // namespace tandem::devices
