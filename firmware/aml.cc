#include "firmware/aml.h"

#include <fmt/format.h>

#include "firmware/acpi_tables.h"

namespace tandem::firmware {
namespace {

// ACPI 6.4 section 20.2, "AML Grammar Definition".
constexpr u8 kNameOp = 0x08;
constexpr u8 kDWordPrefix = 0x0c;
constexpr u8 kStringPrefix = 0x0d;
constexpr u8 kScopeOp = 0x10;
constexpr u8 kPackageOp = 0x12;
constexpr u8 kExtOpPrefix = 0x5b;
constexpr u8 kDeviceOp = 0x82;

// Length of what follows, itself included: one byte up to 63, else a nibble and whole bytes.
void PackageLength(ByteWriter& out, size_t body) {
  if (body + 1 < 64) {
    out.U8(body + 1);
    return;
  }
  unsigned extra = 1;
  while (body + 1 + extra >= size_t{1} << (4 + 8 * extra)) {
    ++extra;
  }
  const size_t length = body + 1 + extra;
  out.U8(extra << 6 | (length & 0xf));
  for (unsigned i = 0; i < extra; ++i) {
    out.U8(length >> (4 + 8 * i));
  }
}

ByteWriter& NameNumber(ByteWriter& out, std::string_view name, u32 value) {
  return out.U8(kNameOp).Text(name).U8(kDWordPrefix).U32(value);
}

// A device of the processor class; its _UID ties it to the MADT.
Bytes ProcessorDevice(u32 id) {
  ByteWriter body;
  body.Text(fmt::format("C{:03X}", id));
  body.U8(kNameOp).Text("_HID").U8(kStringPrefix).Text("ACPI0007").U8(0);
  NameNumber(body, "_UID", id);
  ByteWriter out;
  out.U8(kExtOpPrefix).U8(kDeviceOp);
  PackageLength(out, body.size());
  return out.Raw(body.bytes()).Take();
}

Bytes Package(u8 elements, std::span<const std::byte> body) {
  ByteWriter out;
  out.U8(kPackageOp);
  PackageLength(out, body.size() + 1);
  return out.U8(elements).Raw(body).Take();
}

// _PRT: pin p of slot d is wired to PIRQ (d + p - 1) mod 4, but for function 3 of slot 1, whose pin
// A is the SCI (LNKS, fixed at 9).
Bytes PciRouting() {
  constexpr u8 kSlots = 32;
  ByteWriter rows;
  for (u32 slot = 0; slot < kSlots; ++slot) {
    for (u32 pin = 0; pin < 4; ++pin) {
      const char link = slot == 1 && pin == 0 ? 'S' : static_cast<char>('A' + (slot + pin + 3) % 4);
      ByteWriter row;
      row.U8(kDWordPrefix).U32(slot << 16 | 0xffff).U8(kDWordPrefix).U32(pin);
      row.Text(fmt::format("LNK{}", link)).U8(kDWordPrefix).U32(0);
      rows.Raw(Package(4, row.bytes()));
    }
  }
  ByteWriter out;
  out.U8(kNameOp).Text("_PRT");
  return out.Raw(Package(4 * kSlots, rows.bytes())).Take();
}

void Scope(ByteWriter& out, std::string_view name, const Bytes& body) {
  out.U8(kScopeOp);
  PackageLength(out, name.size() + body.size());
  out.Text(name).Raw(body);
}

}  // namespace

Bytes BuildBoardSsdt(const Board& board) {
  ByteWriter body;
  NameNumber(body, "\\COMS", board.serial_ports);
  NameNumber(body, "\\LPTS", board.has_parallel ? 1 : 0);
  NameNumber(body, "\\HPTS", board.has_hpet ? 1 : 0);
  ByteWriter processors;
  for (u32 id = 0; id < board.cpus; ++id) {
    processors.Raw(ProcessorDevice(id));
  }
  Scope(body, "\\_SB_", processors.bytes());
  Scope(body, std::string_view("\\\x2e_SB_PCI0", 10), PciRouting());
  return AcpiTable("SSDT", 2, body.bytes());
}

}  // namespace tandem::firmware
