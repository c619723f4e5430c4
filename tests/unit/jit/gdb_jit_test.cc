#include "jit/engine/gdb_jit.h"

#include <elf.h>

#include <cstring>
#include <map>

#include "jit/engine/gdb_interface.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

// An ELF file as tools see it.
struct File {
  std::map<std::string, Elf64_Shdr> sections;
  std::map<std::string, Elf64_Sym> symbols;
};

template <typename T>
T At(std::string_view bytes, u64 offset) {
  REQUIRE_LE(offset + sizeof(T), bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::string TextAt(std::string_view bytes, u64 offset) {
  REQUIRE_LT(offset, bytes.size());
  return bytes.data() + offset;
}

File Read(std::string_view bytes) {
  File file;
  const auto header = At<Elf64_Ehdr>(bytes, 0);
  REQUIRE_EQ(std::string(bytes.substr(0, SELFMAG)), ELFMAG);
  REQUIRE_EQ(header.e_machine, EM_X86_64);
  const auto section = [&](u64 i) {
    return At<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  const u64 names = section(header.e_shstrndx).sh_offset;
  for (u64 i = 1; i < header.e_shnum; ++i) {
    file.sections[TextAt(bytes, names + section(i).sh_name)] = section(i);
  }
  const Elf64_Shdr table = file.sections.at(".symtab");
  const u64 strings = section(table.sh_link).sh_offset;
  for (u64 at = sizeof(Elf64_Sym); at < table.sh_size; at += sizeof(Elf64_Sym)) {
    const auto symbol = At<Elf64_Sym>(bytes, table.sh_offset + at);
    if (symbol.st_name != 0) {
      file.symbols[TextAt(bytes, strings + symbol.st_name)] = symbol;
    }
  }
  return file;
}

size_t RegisteredFiles() {
  size_t count = 0;
  for (jit_code_entry* entry = __jit_debug_descriptor.first_entry; entry != nullptr;
       entry = entry->next_entry) {
    count += 1;
  }
  return count;
}

struct Fixture {
  Fixture() {
    thunks.return_underflow = space.executable() + 0x800;
    thunks.size = 0x1000;
  }
  const u8* Code(u64 offset) const { return space.executable() + offset; }

  CodeSpace space{1 << 20};
  Thunks thunks;
};

}  // namespace

TEST_CASE("gdb: blocks that lie one behind the other are symbols of one file") {
  Fixture f;
  GdbJit names(f.thunks, f.space);
  const size_t before = names.Images().size();
  names.Add(f.Code(0x1000), 0x30, 0xffffffff81000000);
  names.Add(f.Code(0x1030), 0x25, 0x401000);
  REQUIRE_EQ(names.Images().size(), before + 1);

  const File file = Read(names.Images().back());
  const u64 start = reinterpret_cast<u64>(f.Code(0x1000));
  const Elf64_Shdr text = file.sections.at(".text");
  CHECK_EQ(text.sh_addr, start);
  CHECK_EQ(text.sh_size, 0x55);
  CHECK_EQ(file.symbols.size(), 2);
  CHECK_EQ(file.symbols.at("guest_0xffffffff81000000").st_value, start);
  CHECK_EQ(file.symbols.at("guest_0x401000").st_value, start + 0x30);
  CHECK_EQ(file.symbols.at("guest_0x401000").st_size, 0x25);

  // The frame's description, read field by field: length, id, ..., then that of the code.
  const u64 frame = file.sections.at(".debug_frame").sh_offset;
  const std::string_view bytes = names.Images().back();
  const u64 code = frame + 4 + At<u32>(bytes, frame);
  CHECK_EQ(At<u32>(bytes, frame + 4), ~u32{0});
  CHECK_EQ(code + 4 + At<u32>(bytes, code), frame + file.sections.at(".debug_frame").sh_size);
  CHECK_EQ(At<u64>(bytes, code + 8), start);
  CHECK_EQ(At<u64>(bytes, code + 16), 0x55);
}

TEST_CASE("gdb: thunks have names that cover them") {
  Fixture f;
  GdbJit names(f.thunks, f.space);
  u64 size = 0;
  for (const std::string_view bytes : names.Images()) {
    size += Read(bytes).sections.at(".text").sh_size;
  }
  CHECK_EQ(size, f.thunks.size);
}

TEST_CASE("gdb: a full file is followed by another, and what is forgotten is unregistered") {
  Fixture f;
  const size_t before = RegisteredFiles();
  {
    GdbJit names(f.thunks, f.space);
    const size_t thunks = RegisteredFiles();
    for (u64 i = 0; i < 1000; ++i) {
      names.Add(f.Code(0x1000 + 0x40 * i), 0x40, 0x1000 + i);
    }
    CHECK_GT(RegisteredFiles(), thunks + 1);
    size_t symbols = 0;
    for (const std::string_view bytes : names.Images()) {
      symbols += Read(bytes).symbols.size();
    }
    CHECK_EQ(symbols, thunks - before + 1000);
    CHECK_EQ(__jit_debug_descriptor.first_entry->symfile_addr, names.Images().back().data());

    names.Forget(f.Code(0x1000), 0x40 * 1000);
    CHECK_EQ(RegisteredFiles(), thunks);
    names.Add(f.Code(0x1000), 0x40, 0x5000);
    CHECK_EQ(RegisteredFiles(), thunks + 1);
  }
  CHECK_EQ(RegisteredFiles(), before);
}

}  // namespace tandem::jit
