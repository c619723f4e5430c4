#include "firmware/acpi.h"

#include "firmware/acpi_tables.h"
#include "firmware/aml.h"
#include "firmware/guest/images.h"

namespace tandem::firmware {
namespace {

constexpr u32 kFacsOffset = 0;
constexpr u32 kFadtFacs = 36;  // FADT fields that point to other tables
constexpr u32 kFadtDsdt = 40;
constexpr u32 kFadtXFacs = 132;
constexpr u32 kFadtXDsdt = 140;
constexpr u32 kChecksumOffset = 9;
constexpr u32 kRsdpRsdt = 16;
constexpr u32 kRsdpXsdt = 24;

// Tables laid one behind the other, with the pointers between them noted on the way.
class TableBlob {
 public:
  // Returns the table's offset.
  u32 Add(const Bytes& table) {
    blob_.AlignTo(16);
    const u32 offset = static_cast<u32>(blob_.size());
    blob_.Raw(table);
    tables_.push_back({offset, static_cast<u32>(table.size())});
    return offset;
  }
  // The FACS has no checksum.
  void AddFacs(const Bytes& facs) { blob_.Raw(facs); }
  void PointTo(u32 field, u8 size, u32 target) {
    if (size == 8) {
      blob_.Patch<u64>(field, target);
    } else {
      blob_.Patch<u32>(field, target);
    }
    pointers_.push_back({field, size});
  }
  void MoveInto(Linker& linker) {
    linker.AddFile(kAcpiTablesFile, blob_.Take(), 64, Linker::Zone::kHigh);
    for (const auto& [field, size] : pointers_) {
      linker.AddPointer(kAcpiTablesFile, field, size, kAcpiTablesFile);
    }
    for (const auto& [offset, length] : tables_) {
      linker.AddChecksum(kAcpiTablesFile, offset + kChecksumOffset, offset, length);
    }
  }

 private:
  ByteWriter blob_;
  std::vector<std::pair<u32, u32>> tables_;
  std::vector<std::pair<u32, u8>> pointers_;
};

// RSDT (32-bit pointers) or XSDT (64-bit).
u32 AddRoot(TableBlob& blob, const char* signature, u8 pointer_size,
            const std::vector<u32>& tables) {
  const Bytes body(tables.size() * pointer_size);
  const u32 root = blob.Add(AcpiTable(signature, 1, body));
  for (size_t i = 0; i < tables.size(); ++i) {
    blob.PointTo(static_cast<u32>(root + kAcpiHeaderSize + i * pointer_size), pointer_size,
                 tables[i]);
  }
  return root;
}

u32 AddFadt(TableBlob& blob, u32 dsdt) {
  const u32 fadt = blob.Add(BuildFadt());
  blob.PointTo(fadt + kFadtFacs, 4, kFacsOffset);
  blob.PointTo(fadt + kFadtDsdt, 4, dsdt);
  blob.PointTo(fadt + kFadtXFacs, 8, kFacsOffset);
  blob.PointTo(fadt + kFadtXDsdt, 8, dsdt);
  return fadt;
}

void AddRsdp(Linker& linker, u32 rsdt, u32 xsdt) {
  ByteWriter rsdp;
  rsdp.Text("RSD PTR ").U8(0).Padded(kAcpiOemId, 6, ' ').U8(2).U32(rsdt);
  rsdp.U32(36).U64(xsdt).U8(0).Zeros(3);
  linker.AddFile(kAcpiRsdpFile, rsdp.Take(), 16, Linker::Zone::kBiosArea);
  linker.AddPointer(kAcpiRsdpFile, kRsdpRsdt, 4, kAcpiTablesFile);
  linker.AddPointer(kAcpiRsdpFile, kRsdpXsdt, 8, kAcpiTablesFile);
  linker.AddChecksum(kAcpiRsdpFile, 8, 0, 20);
  linker.AddChecksum(kAcpiRsdpFile, 32, 0, 36);
}

}  // namespace

Linker BuildAcpi(const Board& board) {
  TableBlob blob;
  blob.AddFacs(BuildFacs());
  const u32 dsdt = blob.Add(Bytes(Dsdt().begin(), Dsdt().end()));
  std::vector<u32> tables = {AddFadt(blob, dsdt), blob.Add(BuildMadt(board)),
                             blob.Add(BuildBoardSsdt(board)), blob.Add(BuildWaet())};
  if (board.has_hpet) {
    tables.push_back(blob.Add(BuildHpet()));
  }
  const u32 rsdt = AddRoot(blob, "RSDT", 4, tables);
  const u32 xsdt = AddRoot(blob, "XSDT", 8, tables);
  Linker linker;
  blob.MoveInto(linker);
  AddRsdp(linker, rsdt, xsdt);
  return linker;
}

}  // namespace tandem::firmware
