#include "firmware/multiboot.h"

#include <algorithm>

#include "base/log.h"
#include "firmware/boot_request.h"
#include "firmware/file.h"

namespace tandem::firmware {
namespace {

// Multiboot specification 0.6.96, "OS image format" and "Boot information format".
constexpr u32 kHeaderMagic = 0x1badb002;
constexpr u32 kBootMagic = 0x2badb002;
constexpr u32 kWantsAddresses = 1u << 16;
constexpr u32 kWantsVideo = 1u << 2;
constexpr u32 kKnownFlags = kWantsAddresses | 0xffff;
constexpr u64 kSearchLength = 8192;

constexpr u32 kHasMemory = 1u << 0;
constexpr u32 kHasCommandLine = 1u << 2;
constexpr u32 kHasModules = 1u << 3;
constexpr u32 kHasMap = 1u << 6;
constexpr u32 kHasLoaderName = 1u << 9;
constexpr size_t kInfoSize = 0x78;

struct Module {
  u64 start;
  u64 end;
  std::string command_line;
};

// What loading the kernel proper gave.
struct Loaded {
  u64 entry;
  u64 end;
};

// The a.out kludge: the header itself says where the file's bytes go.
Result<Loaded> LoadByHeader(const BootRequest& boot, u64 header_offset) {
  const std::span<const std::byte> file = boot.files.kernel;
  const auto field = [&](u64 offset) {
    return u64{FieldAt<u32>(file, header_offset + offset).value_or(0)};
  };
  const u64 header_address = field(12);
  const u64 load_address = field(16);
  const u64 load_end = field(20);
  const u64 bss_end = field(24);
  const u64 before_header = header_address - load_address;
  if (load_address > header_address || before_header > header_offset) {
    return Fail("kernel '{}': the Multiboot header's addresses are absurd", boot.files.kernel_name);
  }
  const u64 start = header_offset - before_header;
  const u64 length = load_end == 0 ? file.size() - start : load_end - load_address;
  if (load_end != 0 && (load_end < load_address || length > file.size() - start)) {
    return Fail("kernel '{}' is shorter than its Multiboot header says", boot.files.kernel_name);
  }
  if (Result<void> done =
          boot.memory.Write(load_address, file.subspan(start, length), "the kernel");
      !done) {
    return done.error();
  }
  const u64 loaded_end = load_address + length;
  if (bss_end > loaded_end) {
    if (Result<void> done = boot.memory.Zero(loaded_end, bss_end - loaded_end, "the kernel's bss");
        !done) {
      return done.error();
    }
  }
  return Loaded{field(28), std::max(loaded_end, bss_end)};
}

Result<Loaded> LoadElfKernel(const BootRequest& boot) {
  const Result<ElfImage> elf = ElfImage::Parse(boot.files.kernel);
  if (!elf) {
    return Fail("Multiboot kernel '{}': {}", boot.files.kernel_name, elf.error().message);
  }
  if (Result<void> done = elf->Load(boot.memory, boot.files.kernel); !done) {
    return done.error();
  }
  return Loaded{elf->entry(), elf->highest_address()};
}

std::vector<std::string> SplitModules(const std::string& list) {
  std::vector<std::string> modules;
  for (size_t at = 0; at < list.size();) {
    const size_t comma = std::min(list.find(',', at), list.size());
    modules.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return modules;
}

// Each on a page of its own, in order, behind the kernel. "file arguments" is one module.
Result<std::vector<Module>> LoadModules(const BootRequest& boot, u64 address) {
  std::vector<Module> modules;
  for (const std::string& command_line : SplitModules(boot.files.initrd_option)) {
    const std::string path = command_line.substr(0, command_line.find(' '));
    const Result<Bytes> bytes = ReadWholeFile(path, "module");
    if (!bytes) {
      return bytes.error();
    }
    address = AlignUp(address, 4096);
    if (Result<void> done = boot.memory.Write(address, *bytes, fmt::format("module '{}'", path));
        !done) {
      return done.error();
    }
    modules.push_back({address, address + bytes->size(), command_line});
    address += bytes->size();
  }
  return modules;
}

// Information structure, then what it points to, all in one run at kMultibootInfoAddress.
class InfoWriter {
 public:
  explicit InfoWriter(const BootRequest& boot) { Build(boot); }

  void AddModules(const std::vector<Module>& modules) {
    std::vector<u64> names;
    for (const Module& module : modules) {
      names.push_back(AddString(module.command_line));
    }
    out_.AlignTo(16);
    Set(20, modules.size());
    Set(24, Here());
    for (size_t i = 0; i < modules.size(); ++i) {
      out_.U32(modules[i].start).U32(modules[i].end).U32(names[i]).U32(0);
    }
  }
  const Bytes& bytes() const { return out_.bytes(); }

 private:
  u64 Here() const { return kMultibootInfoAddress + out_.size(); }
  void Set(size_t offset, u64 value) { out_.Patch<u32>(offset, static_cast<u32>(value)); }
  u64 AddString(const std::string& text) {
    const u64 at = Here();
    out_.Text(text).U8(0);
    return at;
  }

  void Build(const BootRequest& boot) {
    out_.Zeros(kInfoSize);
    Set(0, kHasMemory | kHasCommandLine | kHasModules | kHasMap | kHasLoaderName);
    Set(4, kEbdaAddress / 1024);
    Set(8, (boot.ram_end - kHighMemoryAddress) / 1024);
    std::string command_line = boot.files.kernel_name;
    if (!boot.files.command_line.empty()) {
      command_line += " " + boot.files.command_line;
    }
    Set(16, AddString(command_line));
    Set(64, AddString("tandem"));
    out_.AlignTo(16);
    Set(44, boot.map.size() * 24);
    Set(48, Here());
    for (const E820Entry& entry : boot.map) {
      out_.U32(20).U64(entry.start).U64(entry.length).U32(static_cast<u32>(entry.type));
    }
  }

  ByteWriter out_;
};

}  // namespace

std::optional<u64> FindMultibootHeader(std::span<const std::byte> file) {
  const u64 end = std::min<u64>(file.size(), kSearchLength);
  for (u64 at = 0; at + 12 <= end; at += 4) {
    const u32 magic = LoadLe<u32>(file.data() + at);
    const u32 flags = LoadLe<u32>(file.data() + at + 4);
    const u32 checksum = LoadLe<u32>(file.data() + at + 8);
    if (magic == kHeaderMagic && magic + flags + checksum == 0) {
      return at;
    }
  }
  return std::nullopt;
}

Result<CpuEntry> LoadMultiboot(const BootRequest& boot, u64 header_offset) {
  const u32 flags = LoadLe<u32>(boot.files.kernel.data() + header_offset + 4);
  if ((flags & ~kKnownFlags) != 0 || (flags & 0xfff8) != 0) {
    return Fail("kernel '{}' asks for unknown Multiboot features ({:#x})", boot.files.kernel_name,
                flags);
  }
  if ((flags & kWantsVideo) != 0) {
    Log(LogItem::kUnimp, "Multiboot: the wish for a video mode is not heard");
  }
  const Result<Loaded> kernel =
      (flags & kWantsAddresses) != 0 ? LoadByHeader(boot, header_offset) : LoadElfKernel(boot);
  if (!kernel) {
    return kernel.error();
  }
  const Result<std::vector<Module>> modules = LoadModules(boot, kernel->end);
  if (!modules) {
    return modules.error();
  }
  InfoWriter info(boot);
  info.AddModules(*modules);
  if (Result<void> done =
          boot.memory.Write(kMultibootInfoAddress, info.bytes(), "Multiboot information");
      !done) {
    return done.error();
  }
  Result<CpuEntry> cpu = MakeProtectedEntry(boot.memory, EntryKind::kMultiboot32, kernel->entry);
  if (cpu) {
    cpu->rax = kBootMagic;
    cpu->rbx = kMultibootInfoAddress;
  }
  return cpu;
}

}  // namespace tandem::firmware
