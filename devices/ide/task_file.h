#pragma once

#include "base/ints.h"

namespace tandem::devices::ide {

// Bits of the status register (ATA/ATAPI-6, 7.15).
inline constexpr u8 kError = 0x01;
inline constexpr u8 kDataRequest = 0x08;
inline constexpr u8 kSeekComplete = 0x10;
inline constexpr u8 kDeviceFault = 0x20;
inline constexpr u8 kReady = 0x40;
inline constexpr u8 kBusy = 0x80;

// Bits of the error register (7.9).
inline constexpr u8 kAborted = 0x04;
inline constexpr u8 kIdNotFound = 0x10;
inline constexpr u8 kUncorrectable = 0x40;

// Bits of the device register.
inline constexpr u8 kSecondDrive = 0x10;
inline constexpr u8 kLbaMode = 0x40;

// A register of the 48-bit address feature set: what was written, and what before that.
struct DeepRegister {
  u8 now = 0;
  u8 before = 0;
  void Write(u8 value) {
    before = now;
    now = value;
  }
  void Set(u8 value) { *this = {value, 0}; }
};

// The command block registers of one drive.
struct TaskFile {
  DeepRegister feature;
  DeepRegister count;
  DeepRegister lba_low;
  DeepRegister lba_mid;
  DeepRegister lba_high;
  u8 device = 0;
  u8 status = 0;
  u8 error = 0;
};

}  // namespace tandem::devices::ide
