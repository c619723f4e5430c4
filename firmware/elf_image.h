#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "firmware/bytes.h"
#include "firmware/guest_memory.h"

namespace tandem::firmware {

// One PT_LOAD: file bytes for a physical address, then zeros up to memory_size.
struct ElfSegment {
  u64 physical_address = 0;
  std::span<const std::byte> file_bytes;
  u64 memory_size = 0;
};

// A checked view of an x86 ELF executable; borrows the file's bytes.
class ElfImage {
 public:
  // Error where any header or segment lies outside the file.
  static Result<ElfImage> Parse(std::span<const std::byte> file);
  static bool HasMagic(std::span<const std::byte> file);

  bool is_64bit() const { return is_64bit_; }
  u64 entry() const { return entry_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }
  // Of the segments in memory.
  u64 lowest_address() const;
  u64 highest_address() const;
  // The first bytes of a note's descriptor, as a number of 4 or 8 bytes.
  std::optional<u64> NumberNote(std::string_view name, u32 type) const;

  Result<void> Load(const GuestMemory& memory) const;

 private:
  bool AddSegment(std::span<const std::byte> file, std::span<const std::byte> header);

  bool is_64bit_ = false;
  u64 entry_ = 0;
  std::vector<ElfSegment> segments_;
  std::vector<std::span<const std::byte>> notes_;
};

}  // namespace tandem::firmware
