#pragma once

#include "base/ints.h"

// Offsets and bits of the type 0 configuration header (PCI Local Bus Specification 3.0, 6.1).
namespace tandem::devices::pci {

inline constexpr u32 kConfigSize = 256;

inline constexpr u32 kVendorId = 0x00;
inline constexpr u32 kDeviceId = 0x02;
inline constexpr u32 kCommand = 0x04;
inline constexpr u32 kStatus = 0x06;
inline constexpr u32 kRevision = 0x08;
inline constexpr u32 kClass = 0x09;  // three bytes
inline constexpr u32 kHeaderType = 0x0e;
inline constexpr u32 kBar0 = 0x10;
inline constexpr u32 kSubsystemVendorId = 0x2c;
inline constexpr u32 kSubsystemId = 0x2e;
inline constexpr u32 kRomBar = 0x30;
inline constexpr u32 kCapabilities = 0x34;
inline constexpr u32 kInterruptLine = 0x3c;
inline constexpr u32 kInterruptPin = 0x3d;

inline constexpr u16 kCommandIo = 1u << 0;
inline constexpr u16 kCommandMemory = 1u << 1;
inline constexpr u16 kCommandMaster = 1u << 2;
inline constexpr u16 kCommandParity = 1u << 6;
inline constexpr u16 kCommandSerr = 1u << 8;
inline constexpr u16 kCommandIntxDisable = 1u << 10;

inline constexpr u16 kStatusInterrupt = 1u << 3;
inline constexpr u16 kStatusCapabilities = 1u << 4;
inline constexpr u16 kStatusErrors = 0xf900;  // write one to clear

inline constexpr u8 kMultifunction = 0x80;
inline constexpr u32 kRomEnable = 1u << 0;

inline constexpr u8 kCapMsi = 0x05;
inline constexpr u8 kCapVendor = 0x09;
inline constexpr u8 kCapMsix = 0x11;

}  // namespace tandem::devices::pci
