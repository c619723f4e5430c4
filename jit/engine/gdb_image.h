#pragma once

#include <elf.h>

#include <array>
#include <string_view>

#include "base/ints.h"

namespace tandem::jit {

// How a debugger leaves the frames of a piece of code, as DWARF's call frame instructions.
enum class FrameKind : u8 {
  kBlock,   // the shadow stack: a host return address, and above it the guest's
  kThunks,  // the stack of C++, as EmitEnter has left it
  kEnd,     // no frame above
};

// An ELF file with one piece of code, which grows, and its symbols. The object's bytes are the file.
class GdbImage {
 public:
  GdbImage(u64 start, FrameKind kind);

  bool IsFull() const { return symbol_count_ == symbols_.size(); }
  // The image's code goes on to start + size, and that part has this name.
  void Add(u64 start, u32 size, std::string_view name);
  u64 start() const { return text().sh_addr; }
  u64 end() const { return text().sh_addr + text().sh_size; }
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(&header_), sizeof(*this) - offsetof(GdbImage, header_)};
  }

 private:
  enum Section : u16 { kNull, kText, kSymbols, kStrings, kFrame, kSections };
  static constexpr size_t kMaxSymbols = 128, kMaxName = 32;

  // .debug_frame: one way to leave frames, and the code that has it. DWARF 3, section 6.4.1.
  struct [[gnu::packed]] Frames {
    u32 common_length = sizeof(Frames::common);
    struct [[gnu::packed]] {
      u32 id = ~u32{0};
      u8 version = 1;
      u8 augmentation = 0;
      u8 code_alignment = 1;
      u8 data_alignment = 0x78;  // -8 as SLEB128
      u8 return_register = 16;   // RIP
      std::array<u8, 19> rules{};
    } common;
    u32 length = 20;
    u32 common_offset = 0;
    u64 start = 0;
    u64 size = 0;
  };

  const Elf64_Shdr& text() const { return sections_[kText]; }
  void Describe(Section section, const char* name, u32 type, const void* from, size_t size);
  u32 AddString(std::string_view text);

  size_t symbol_count_ = 1;
  size_t string_size_ = 1;
  Elf64_Ehdr header_{};  // the file starts here
  std::array<Elf64_Shdr, kSections> sections_{};
  std::array<Elf64_Sym, kMaxSymbols + 1> symbols_{};
  std::array<char, (kMaxSymbols + 2) * kMaxName> strings_{};
  Frames frames_;
};

}  // namespace tandem::jit
