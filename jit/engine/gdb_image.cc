#include "jit/engine/gdb_image.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace tandem::jit {
namespace {

// DW_CFA_ codes, and registers by DWARF's numbers (psABI x86-64, figure 3.36).
constexpr u8 kDefineCfa = 0x0c, kUndefined = 0x07, kOffset = 0x80;
constexpr u8 kRbx = 3, kRbp = 6, kRsp = 7, kR12 = 12, kR13 = 13, kR14 = 14, kR15 = 15, kRip = 16;

// Offsets count in eight bytes down from the CFA, where the caller's stack pointer is.
std::array<u8, 19> RulesOf(FrameKind kind) {
  switch (kind) {
    case FrameKind::kBlock:
      return {kDefineCfa, kRsp, 16, kOffset | kRip, 2};
    case FrameKind::kThunks:
      return {kDefineCfa, kRsp, 64, kOffset | kRip, 1, kOffset | kRbx, 2, kOffset | kRbp, 3,
              kOffset | kR12, 4, kOffset | kR13, 5, kOffset | kR14, 6, kOffset | kR15, 7};
    case FrameKind::kEnd:
      break;
  }
  return {kDefineCfa, kRsp, 8, kUndefined, kRip};
}

}  // namespace

GdbImage::GdbImage(u64 start, FrameKind kind) {
  std::memcpy(header_.e_ident, ELFMAG, SELFMAG);
  header_.e_ident[EI_CLASS] = ELFCLASS64;
  header_.e_ident[EI_DATA] = ELFDATA2LSB;
  header_.e_ident[EI_VERSION] = EV_CURRENT;
  header_.e_type = ET_EXEC;
  header_.e_machine = EM_X86_64;
  header_.e_version = EV_CURRENT;
  header_.e_ehsize = sizeof(header_);
  header_.e_shentsize = sizeof(Elf64_Shdr);
  header_.e_shnum = kSections;
  header_.e_shstrndx = kStrings;
  header_.e_shoff = sizeof(header_);
  Describe(kText, ".text", SHT_NOBITS, nullptr, 0);
  sections_[kText].sh_addr = start;
  sections_[kText].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  Describe(kSymbols, ".symtab", SHT_SYMTAB, &symbols_, sizeof(symbols_));
  sections_[kSymbols].sh_link = kStrings;
  sections_[kSymbols].sh_info = 1;  // behind the last local one
  sections_[kSymbols].sh_entsize = sizeof(Elf64_Sym);
  Describe(kStrings, ".strtab", SHT_STRTAB, &strings_, sizeof(strings_));
  Describe(kFrame, ".debug_frame", SHT_PROGBITS, &frames_, sizeof(frames_));
  frames_.common.rules = RulesOf(kind);
  frames_.start = start;
}

void GdbImage::Describe(Section section, const char* name, u32 type, const void* from,
                        size_t size) {
  Elf64_Shdr& entry = sections_[section];
  entry.sh_name = AddString(name);
  entry.sh_type = type;
  entry.sh_addralign = 1;
  entry.sh_size = size;
  entry.sh_offset = from == nullptr ? 0
                                    : static_cast<u64>(static_cast<const u8*>(from) -
                                                       reinterpret_cast<const u8*>(&header_));
}

u32 GdbImage::AddString(std::string_view text) {
  const size_t at = string_size_;
  const size_t length = std::min(text.size(), kMaxName - 1);
  std::memcpy(strings_.data() + at, text.data(), length);
  string_size_ += length + 1;
  return static_cast<u32>(at);
}

void GdbImage::Add(u64 start, u32 size, std::string_view name) {
  Elf64_Sym& symbol = symbols_[symbol_count_++];
  symbol.st_name = AddString(name);
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbol.st_shndx = kText;
  symbol.st_value = start;
  symbol.st_size = size;
  sections_[kText].sh_size = start + size - text().sh_addr;
  frames_.size = text().sh_size;
}

}  // namespace tandem::jit
