#include "devices/ide/ata_identify.h"

#include <algorithm>

namespace tandem::devices::ide {
namespace {

// Text is stored with the bytes of each word swapped and filled with blanks.
void SetText(IdentifyData& data, size_t word, size_t words, std::string_view text) {
  for (size_t i = 0; i < words; ++i) {
    const auto at = [&](size_t index) {
      return static_cast<u8>(index < text.size() ? text[index] : ' ');
    };
    data[word + i] = static_cast<u16>(at(2 * i) << 8 | at(2 * i + 1));
  }
}

void SetNumber(IdentifyData& data, size_t word, size_t words, u64 value) {
  for (size_t i = 0; i < words; ++i) {
    data[word + i] = static_cast<u16>(value >> (16 * i));
  }
}

// The selected mode shows in the high byte of words 63 (multiword DMA) and 88 (Ultra DMA).
void SetTransferModes(IdentifyData& data, u8 mode) {
  const u16 selected = static_cast<u16>(1u << (8 + (mode & 7)));
  data[53] = 0x7;
  data[62] = 0x7;
  data[63] = static_cast<u16>(0x7 | ((mode & 0xf8) == 0x20 ? selected : 0));
  data[64] = 0x3;
  for (size_t word = 65; word <= 68; ++word) {
    data[word] = 120;
  }
  data[88] = static_cast<u16>(0x3f | ((mode & 0xf8) == 0x40 ? selected : 0));
}

void SetGeometry(IdentifyData& data, const DiskFacts& facts) {
  data[1] = data[54] = facts.cylinders;
  data[3] = data[55] = facts.heads;
  data[6] = data[56] = facts.sectors_per_track;
  SetNumber(data, 57, 2, u64{facts.cylinders} * facts.heads * facts.sectors_per_track);
  SetNumber(data, 60, 2, std::min<u64>(facts.sectors, 0x0fffffff));
  SetNumber(data, 100, 4, facts.sectors);
}

}  // namespace

IdentifyData IdentifyDisk(const DiskFacts& facts) {
  IdentifyData data{};
  data[0] = 0x0040;
  SetGeometry(data, facts);
  SetText(data, 10, 10, facts.serial);
  SetText(data, 23, 4, "1.0");
  SetText(data, 27, 20, "TANDEM HARDDISK");
  data[47] = 0x8000 | kMaxMultiple;
  data[49] = 0x0f00;  // IORDY, LBA, DMA
  data[50] = 0x4000;
  data[59] = static_cast<u16>(facts.multiple != 0 ? 0x100 | facts.multiple : 0);
  SetTransferModes(data, facts.transfer_mode);
  data[69] = 1u << 14;  // trimmed blocks read the same each time
  data[80] = 0x00f0;
  data[81] = 0x0016;
  data[82] = data[85] = 1u << 14 | 1u << 5 | 1;
  data[83] = 1u << 14 | 1u << 13 | 1u << 12 | 1u << 10;  // FLUSH (EXT), 48-bit addresses
  data[86] = 1u << 13 | 1u << 12 | 1u << 10;
  data[84] = data[87] = 1u << 14;
  data[93] = 1u << 14 | 1u << 13 | 1;  // 80-wire cable
  data[105] = 8;                       // blocks of a DATA SET MANAGEMENT command
  data[169] = 1;                       // TRIM
  return data;
}

IdentifyData IdentifyCdrom(u8 transfer_mode, std::string_view serial) {
  IdentifyData data{};
  data[0] = 0x85c0;  // packet device, CD-ROM, removable, 12-byte packets
  SetText(data, 10, 10, serial);
  SetText(data, 23, 4, "1.0");
  SetText(data, 27, 20, "TANDEM DVD-ROM");
  data[48] = 1;
  data[49] = 0x0b00;
  SetTransferModes(data, transfer_mode);
  data[71] = data[72] = 30;
  data[80] = 0x001e;
  return data;
}

}  // namespace tandem::devices::ide
