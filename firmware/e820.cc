#include "firmware/e820.h"

namespace tandem::firmware {
namespace {

// Room for a local APIC page and the BIOS image below 4 GiB, which must not be taken for free.
constexpr E820Entry kTopOfLowSpace[] = {
    {0xfec00000, 0x1000, E820Type::kReserved},
    {0xfee00000, 0x1000, E820Type::kReserved},
    {0xfffc0000, 0x40000, E820Type::kReserved},
};

}  // namespace

std::vector<E820Entry> DirectBootMap(const Board& board, u64 acpi_bytes) {
  std::vector<E820Entry> map = {
      {0, kEbdaAddress, E820Type::kRam},
      {kEbdaAddress, 0xa0000 - kEbdaAddress, E820Type::kReserved},
      {kBiosRomAddress, kBiosRomSize, E820Type::kReserved},
  };
  const u64 acpi_start = board.LowRam() - acpi_bytes;
  if (acpi_start > kHighMemoryAddress) {
    map.push_back({kHighMemoryAddress, acpi_start - kHighMemoryAddress, E820Type::kRam});
  }
  if (acpi_bytes != 0) {
    map.push_back({acpi_start, acpi_bytes, E820Type::kNvs});
  }
  map.insert(map.end(), std::begin(kTopOfLowSpace), std::end(kTopOfLowSpace));
  if (board.HighRam() != 0) {
    map.push_back({k4GiB, board.HighRam(), E820Type::kRam});
  }
  return map;
}

std::vector<E820Entry> FirmwareMap(const Board& board) {
  std::vector<E820Entry> map = {{0, board.LowRam(), E820Type::kRam}};
  if (board.HighRam() != 0) {
    map.push_back({k4GiB, board.HighRam(), E820Type::kRam});
  }
  return map;
}

Bytes EncodeE820(const std::vector<E820Entry>& map) {
  ByteWriter out;
  for (const E820Entry& entry : map) {
    out.U64(entry.start).U64(entry.length).U32(static_cast<u32>(entry.type));
  }
  return out.Take();
}

}  // namespace tandem::firmware
