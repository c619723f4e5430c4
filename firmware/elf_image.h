#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "firmware/bytes.h"
#include "firmware/guest_memory.h"

namespace tandem::firmware {

// One PT_LOAD: bytes of the file for a physical address, then zeros up to memory_size.
struct ElfSegment {
  u64 physical_address = 0;
  u64 file_offset = 0;
  u64 file_size = 0;
  u64 memory_size = 0;
};

// What the headers of an x86 ELF executable say, checked.
class ElfImage {
 public:
  // head: the file's first bytes. Error where any header lies outside them, or a segment outside the
  // file.
  static Result<ElfImage> Parse(std::span<const std::byte> head, u64 file_size);
  static Result<ElfImage> Parse(std::span<const std::byte> file) {
    return Parse(file, file.size());
  }
  static bool HasMagic(std::span<const std::byte> file);

  bool is_64bit() const { return is_64bit_; }
  u64 entry() const { return entry_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }
  // Of the segments in memory.
  u64 lowest_address() const;
  u64 highest_address() const;
  // The first bytes of a note's descriptor, as a number of 4 or 8 bytes.
  std::optional<u64> NumberNote(std::span<const std::byte> file, std::string_view name,
                                u32 type) const;

  // Writes all segments.
  Result<void> Load(const GuestMemory& memory, std::span<const std::byte> file) const;
  // In two steps: the part of the segments that a piece of the file has, and the zeros behind all of
  // them. Error where they are not in RAM.
  Result<void> LoadPiece(const GuestMemory& memory, u64 offset,
                         std::span<const std::byte> piece) const;
  Result<void> LoadZeros(const GuestMemory& memory) const;

 private:
  struct Extent {
    u64 offset = 0, size = 0;  // in the file
  };
  bool AddSegment(u64 file_size, std::span<const std::byte> header);

  bool is_64bit_ = false;
  u64 entry_ = 0;
  std::vector<ElfSegment> segments_;
  std::vector<Extent> notes_;
};

}  // namespace tandem::firmware
