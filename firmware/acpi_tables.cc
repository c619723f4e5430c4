#include "firmware/acpi_tables.h"

namespace tandem::firmware {
namespace {

// PIIX4 power management as the chipset has it with PMBASE 0x600.
constexpr u16 kSciIrq = 9;
constexpr u32 kSmiCommandPort = 0xb2;
constexpr u8 kAcpiEnable = 0xf1;
constexpr u8 kAcpiDisable = 0xf0;
constexpr u32 kPm1Event = 0x600;
constexpr u32 kPm1Control = 0x604;
constexpr u32 kPmTimer = 0x608;
constexpr u32 kGpe0 = 0xafe0;
constexpr u64 kResetPort = 0xcf9;
constexpr u8 kHardReset = 0x06;
constexpr u8 kRtcCentury = 0x32;
constexpr u16 kLegacyDevicesAnd8042 = 0x3;

// FADT flags: WBINVD works, C1 everywhere, no sleep button, RTC cannot wake from S4 by fixed event,
// reset register, platform clock.
constexpr u32 kFadtFlags = 1u << 0 | 1u << 2 | 1u << 5 | 1u << 7 | 1u << 10 | 1u << 15;

// Generic address in I/O space.
ByteWriter& IoAddress(ByteWriter& out, u8 bits, u8 access, u64 port) {
  return out.U8(port == 0 ? 0 : 1).U8(bits).U8(0).U8(access).U64(port);
}

void FadtBlocks(ByteWriter& out) {
  out.U32(kPm1Event).U32(0).U32(kPm1Control).U32(0).U32(0).U32(kPmTimer).U32(kGpe0).U32(0);
  out.U8(4).U8(2).U8(0).U8(4).U8(4).U8(0).U8(0).U8(0);  // lengths of the blocks above
}

void FadtExtendedBlocks(ByteWriter& out) {
  IoAddress(out, 32, 2, kPm1Event);
  IoAddress(out, 0, 0, 0);
  IoAddress(out, 16, 2, kPm1Control);
  IoAddress(out, 0, 0, 0);
  IoAddress(out, 0, 0, 0);
  IoAddress(out, 32, 3, kPmTimer);
  IoAddress(out, 32, 1, kGpe0);
  IoAddress(out, 0, 0, 0);
}

void LocalApicEntry(ByteWriter& out, u32 id, bool is_present) {
  if (id < 255) {
    out.U8(0).U8(8).U8(id).U8(id).U32(is_present ? 1 : 0);
  } else {
    out.U8(9).U8(16).U16(0).U32(id).U32(is_present ? 1 : 0).U32(id);
  }
}

// polarity and trigger as MPS has them: 0 conforms, 0xd level and active high.
void Override(ByteWriter& out, u8 isa_irq, u32 gsi, u16 flags) {
  out.U8(2).U8(10).U8(0).U8(isa_irq).U32(gsi).U16(flags);
}

}  // namespace

Bytes AcpiTable(std::string_view signature, u8 revision, std::span<const std::byte> body) {
  ByteWriter out;
  out.Text(signature).U32(kAcpiHeaderSize + body.size()).U8(revision).U8(0);
  out.Padded(kAcpiOemId, 6, ' ').Padded("TANDEMPC", 8, ' ').U32(1).Text("TNDM").U32(1);
  return out.Raw(body).Take();
}

Bytes BuildFacs() {
  ByteWriter out;
  return out.Text("FACS").U32(64).Zeros(24).U8(1).Zeros(31).Take();
}

Bytes BuildFadt() {
  ByteWriter out;
  out.U32(0).U32(0).U8(1).U8(0).U16(kSciIrq).U32(kSmiCommandPort);
  out.U8(kAcpiEnable).U8(kAcpiDisable).U8(0).U8(0);
  FadtBlocks(out);
  out.U16(0xfff).U16(0xfff).U16(0).U16(0);  // no C2, no C3; no flush needed
  out.U8(0).U8(0).U8(0).U8(0).U8(kRtcCentury).U16(kLegacyDevicesAnd8042).U8(0).U32(kFadtFlags);
  IoAddress(out, 8, 1, kResetPort).U8(kHardReset).Zeros(3);
  out.U64(0).U64(0);
  FadtExtendedBlocks(out);
  return AcpiTable("FACP", 3, out.bytes());
}

Bytes BuildMadt(const Board& board) {
  ByteWriter out;
  out.U32(kLocalApicAddress).U32(1);  // a pair of 8259s is there too
  for (u32 id = 0; id < std::max(board.cpus, board.max_cpus); ++id) {
    LocalApicEntry(out, id, id < board.cpus);
  }
  out.U8(1).U8(12).U8(0).U8(0).U32(kIoApicAddress).U32(0);
  Override(out, 0, 2, 0);
  for (const u8 pci_irq : {5, 9, 10, 11}) {
    Override(out, pci_irq, pci_irq, 0xd);
  }
  out.U8(4).U8(6).U8(0xff).U16(0).U8(1);  // NMI on LINT1 of every local APIC
  if (std::max(board.cpus, board.max_cpus) > 255) {
    out.U8(0xa).U8(12).U16(0).U32(0xffffffff).U8(1).Zeros(3);
  }
  return AcpiTable("APIC", 3, out.bytes());
}

Bytes BuildHpet() {
  ByteWriter out;
  out.U32(0x8086a201).U8(0).U8(0).U8(0).U8(0).U64(kHpetAddress).U8(0).U16(0).U8(0);
  return AcpiTable("HPET", 1, out.bytes());
}

Bytes BuildWaet() {
  ByteWriter out;
  return AcpiTable("WAET", 1, out.U32(2).bytes());  // the PM timer reads right at the first try
}

}  // namespace tandem::firmware
