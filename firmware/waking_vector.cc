#include <string_view>

#include "firmware/acpi.h"
#include "firmware/bytes.h"

// The way from the RSDP to the FACS. ACPI 6.4, 5.2.5 to 5.2.10.
namespace tandem::firmware {
namespace {

constexpr u64 kRsdpRsdt = 16;
constexpr u64 kTableLength = 4;
constexpr u64 kFirstEntry = 36;
constexpr u64 kFadtFacs = 36;
constexpr u64 kFacsWakingVector = 12;
constexpr u32 kMaxTables = 64;

u32 ReadU32(const devices::FlatView& memory, u64 address) {
  std::array<std::byte, 4> bytes{};
  (void)memory.Read(Gpa(address), bytes);
  return LoadLe<u32>(bytes.data());
}

bool HasSignature(const devices::FlatView& memory, u64 address, std::string_view signature) {
  std::array<std::byte, 4> bytes{};
  (void)memory.Read(Gpa(address), bytes);
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), 4) == signature;
}

u32 FindFadt(const devices::FlatView& memory, u64 rsdt) {
  const u32 count = std::min((ReadU32(memory, rsdt + kTableLength) - 36) / 4, kMaxTables);
  for (u32 i = 0; i < count; ++i) {
    const u32 table = ReadU32(memory, rsdt + kFirstEntry + 4 * u64{i});
    if (HasSignature(memory, table, "FACP")) {
      return table;
    }
  }
  return 0;
}

}  // namespace

std::optional<u32> WakingVector(const devices::FlatView& memory, u64 rsdp_address) {
  const u32 rsdt = ReadU32(memory, rsdp_address + kRsdpRsdt);
  const u32 fadt = HasSignature(memory, rsdt, "RSDT") ? FindFadt(memory, rsdt) : 0;
  const u32 facs = fadt != 0 ? ReadU32(memory, fadt + kFadtFacs) : 0;
  if (facs == 0 || !HasSignature(memory, facs, "FACS")) {
    return std::nullopt;
  }
  const u32 vector = ReadU32(memory, facs + kFacsWakingVector);
  return vector != 0 ? std::optional<u32>(vector) : std::nullopt;
}

}  // namespace tandem::firmware
