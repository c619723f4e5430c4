#include "firmware/elf_image.h"

#include <elf.h>

#include <algorithm>

#include "base/log.h"

namespace tandem::firmware {
namespace {

using Span = std::span<const std::byte>;

std::optional<Span> Slice(Span file, u64 offset, u64 length) {
  if (offset > file.size() || length > file.size() - offset) {
    return std::nullopt;
  }
  return file.subspan(offset, length);
}

// The parts of both program header layouts that count.
struct ProgramHeader {
  u32 type;
  u64 offset;
  u64 physical_address;
  u64 file_size;
  u64 memory_size;
};

template <typename Phdr>
ProgramHeader Widen(Span raw) {
  const Phdr header = LoadLe<Phdr>(raw.data());
  return {header.p_type, header.p_offset, header.p_paddr, header.p_filesz, header.p_memsz};
}

struct Header {
  u64 entry;
  u64 program_headers;
  u64 entry_size;
  u64 count;
  u16 machine;
};

template <typename Ehdr>
std::optional<Header> ReadHeader(Span file) {
  const std::optional<Ehdr> header = FieldAt<Ehdr>(file, 0);
  if (!header) {
    return std::nullopt;
  }
  return Header{header->e_entry, header->e_phoff, header->e_phentsize, header->e_phnum,
                header->e_machine};
}

// Name and descriptor of an ELF note are padded to 4 bytes.
std::optional<u64> FindNumber(Span notes, std::string_view name, u32 type) {
  while (const std::optional<Elf32_Nhdr> note = FieldAt<Elf32_Nhdr>(notes, 0)) {
    const u64 name_size = AlignUp(note->n_namesz, 4);
    const u64 descriptor_size = AlignUp(note->n_descsz, 4);
    const std::optional<Span> body = Slice(notes, sizeof(*note), name_size + descriptor_size);
    if (!body) {
      return std::nullopt;
    }
    const bool matches = note->n_type == type && note->n_namesz == name.size() + 1 &&
                         std::memcmp(body->data(), name.data(), name.size()) == 0;
    const Span descriptor = body->subspan(name_size, note->n_descsz);
    if (matches && descriptor.size() >= 8) {
      return LoadLe<u64>(descriptor.data());
    }
    if (matches && descriptor.size() >= 4) {
      return LoadLe<u32>(descriptor.data());
    }
    notes = notes.subspan(sizeof(*note) + body->size());
  }
  return std::nullopt;
}

}  // namespace

bool ElfImage::HasMagic(Span file) {
  return file.size() >= EI_NIDENT && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

bool ElfImage::AddSegment(u64 file_size, Span raw) {
  const ProgramHeader header = is_64bit_ ? Widen<Elf64_Phdr>(raw) : Widen<Elf32_Phdr>(raw);
  if (header.type != PT_LOAD && header.type != PT_NOTE) {
    return true;
  }
  if (header.offset > file_size || header.file_size > file_size - header.offset) {
    return false;
  }
  if (header.type == PT_NOTE) {
    notes_.push_back({header.offset, header.file_size});
    return true;
  }
  if (header.memory_size < header.file_size ||
      !CheckedAdd(header.physical_address, header.memory_size)) {
    return false;
  }
  if (header.memory_size != 0) {
    segments_.push_back(
        {header.physical_address, header.offset, header.file_size, header.memory_size});
  }
  return true;
}

Result<ElfImage> ElfImage::Parse(Span head, u64 file_size) {
  if (!HasMagic(head)) {
    return Fail("not an ELF file");
  }
  ElfImage image;
  image.is_64bit_ = static_cast<u8>(head[EI_CLASS]) == ELFCLASS64;
  const std::optional<Header> header =
      image.is_64bit_ ? ReadHeader<Elf64_Ehdr>(head) : ReadHeader<Elf32_Ehdr>(head);
  const u64 minimum = image.is_64bit_ ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  if (!header || header->entry_size < minimum) {
    return Fail("the ELF header is damaged or cut short");
  }
  if (header->machine != EM_386 && header->machine != EM_X86_64) {
    return Fail("the ELF file is for another processor (machine {})", header->machine);
  }
  image.entry_ = header->entry;
  for (u64 i = 0; i < header->count; ++i) {
    const std::optional<u64> at = CheckedAdd(header->program_headers, i * header->entry_size);
    const std::optional<Span> raw = at ? Slice(head, *at, minimum) : std::nullopt;
    if (!raw || !image.AddSegment(file_size, *raw)) {
      return Fail("ELF program header {} lies outside the file or is absurd", i);
    }
  }
  if (image.segments_.empty()) {
    return Fail("the ELF file has nothing to load");
  }
  return image;
}

u64 ElfImage::lowest_address() const {
  return std::ranges::min(segments_, {}, &ElfSegment::physical_address).physical_address;
}

u64 ElfImage::highest_address() const {
  u64 highest = 0;
  for (const ElfSegment& segment : segments_) {
    highest = std::max(highest, segment.physical_address + segment.memory_size);
  }
  return highest;
}

std::optional<u64> ElfImage::NumberNote(Span file, std::string_view name, u32 type) const {
  for (const Extent& extent : notes_) {
    const std::optional<Span> notes = Slice(file, extent.offset, extent.size);
    const std::optional<u64> number = notes ? FindNumber(*notes, name, type) : std::nullopt;
    if (number) {
      return number;
    }
  }
  return std::nullopt;
}

Result<void> ElfImage::LoadPiece(const GuestMemory& memory, u64 offset, Span piece) const {
  for (const ElfSegment& segment : segments_) {
    const u64 start = std::max(segment.file_offset, offset);
    const u64 end = std::min(segment.file_offset + segment.file_size, offset + piece.size());
    if (start >= end) {
      continue;
    }
    const u64 address = segment.physical_address + (start - segment.file_offset);
    if (Result<void> done =
            memory.Write(address, piece.subspan(start - offset, end - start), "the kernel");
        !done) {
      return done;
    }
  }
  return {};
}

Result<void> ElfImage::LoadZeros(const GuestMemory& memory) const {
  for (const ElfSegment& segment : segments_) {
    if (Result<void> done = memory.Zero(segment.physical_address + segment.file_size,
                                        segment.memory_size - segment.file_size, "the kernel");
        !done) {
      return done;
    }
  }
  return {};
}

Result<void> ElfImage::Load(const GuestMemory& memory, Span file) const {
  Result<void> done = LoadPiece(memory, 0, file);
  return done ? LoadZeros(memory) : done;
}

}  // namespace tandem::firmware
