#pragma once

#include <span>

#include "devices/pci/pci_device.h"

namespace tandem::devices {

// One channel's bus master registers (PIIX3 data sheet, 2.5.4-2.5.6) and the walk over its physical
// region descriptors. Under the channel's lock.
class BusMaster {
 public:
  static constexpr u64 kLength = 8;

  enum class Direction : u8 { kToDrive, kToMemory };

  u8 ReadByte(u64 offset) const;
  // True where a transfer was just started.
  bool WriteByte(u64 offset, u8 value);
  void Reset() { *this = BusMaster(); }

  bool IsStarted() const { return (command_ & 1) != 0; }
  void NoteIrq() { status_ |= kIrq; }
  void SetDriveCapable(unsigned drive) { status_ |= static_cast<u8>(0x20 << drive); }

  // Moves all of data between the described memory and the buffer. False where descriptors or
  // memory end too early; the error bit is set then.
  bool Move(const PciDevice& function, std::span<std::byte> data, Direction direction);

 private:
  static constexpr u8 kActive = 0x01;
  static constexpr u8 kError = 0x02;
  static constexpr u8 kIrq = 0x04;

  bool MoveAll(const PciDevice& function, std::span<std::byte> data, Direction direction);

  u8 command_ = 0;
  u8 status_ = 0;
  u32 table_ = 0;
};

}  // namespace tandem::devices
