#include "devices/legacy/fw_cfg.h"

#include <doctest/doctest.h>

#include <cstring>

#include "base/bits.h"
#include "tests/unit/devices/legacy/rig.h"

namespace tandem::devices {
namespace {

struct FwCfgRig {
  AddressSpace memory;
  std::shared_ptr<RamBlock> ram = *RamBlock::Create("ram", 0x10000);
  FwCfg fw_cfg{memory};

  FwCfgRig() { CHECK(memory.MapRam(Gpa(0), 0x10000, ram, 0, false).ok()); }

  std::string Read(u16 key, size_t count) {
    Out(fw_cfg, 0, key, 2);
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      text += static_cast<char>(In(fw_cfg, 1));
    }
    return text;
  }
  // Returns the control word that the device left.
  u32 Dma(u32 control, u32 length, u64 address) {
    std::byte* at = ram->data() + 0x100;
    StoreLe(at, __builtin_bswap32(control));
    StoreLe(at + 4, __builtin_bswap32(length));
    StoreLe(at + 8, __builtin_bswap64(address));
    Out(fw_cfg, 4, 0, 4);
    Out(fw_cfg, 8, __builtin_bswap32(0x100), 4);
    return __builtin_bswap32(LoadLe<u32>(at));
  }
  std::string Ram(u64 at, size_t length) {
    return {reinterpret_cast<const char*>(ram->data() + at), length};
  }
};

FwCfg::Bytes Text(std::string_view text) {
  FwCfg::Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

TEST_CASE("fw_cfg: signature, version and zeros beyond the end") {
  FwCfgRig rig;
  CHECK_EQ(rig.Read(0, 5), std::string("QEMU\0", 5));
  CHECK_EQ(rig.Read(1, 4), std::string("\x03\0\0\0", 4));
  CHECK_EQ(rig.Read(0x3abc, 2), std::string("\0\0", 2));
  CHECK_EQ(In(rig.fw_cfg, 4, 8), __builtin_bswap64(0x51454d5520434647));
}

TEST_CASE("fw_cfg: the directory lists files by name with size and key") {
  FwCfgRig rig;
  REQUIRE(rig.fw_cfg.AddFile("etc/zz", Text("late")).ok());
  REQUIRE(rig.fw_cfg.AddFile("bootorder", Text("x")).ok());
  const std::string directory = rig.Read(FwCfg::kFileDirectory, 4 + 2 * 64);
  CHECK_EQ(directory.substr(0, 4), std::string("\0\0\0\2", 4));
  CHECK_EQ(directory.substr(4, 8), std::string("\0\0\0\1\0\x21\0\0", 8));
  CHECK_EQ(std::string(directory.c_str() + 12), "bootorder");
  CHECK_EQ(std::string(directory.c_str() + 76), "etc/zz");
  CHECK_EQ(rig.Read(0x20, 4), "late");
}

TEST_CASE("fw_cfg: a name that does not fit the directory is refused") {
  FwCfgRig rig;
  CHECK_FALSE(rig.fw_cfg.AddFile(std::string(56, 'x'), {}).ok());
}

TEST_CASE("fw_cfg: DMA selects, skips and reads, padding with zeros") {
  FwCfgRig rig;
  REQUIRE(rig.fw_cfg.AddFile("etc/a", Text("abcdef")).ok());
  CHECK_EQ(rig.Dma(0x0020000c, 2, 0), 0);
  std::memset(rig.ram->data() + 0x200, 0xff, 8);
  CHECK_EQ(rig.Dma(2, 6, 0x200), 0);
  CHECK_EQ(rig.Ram(0x200, 7), std::string("cdef\0\0\xff", 7));
}

TEST_CASE("fw_cfg: DMA outside RAM reports an error") {
  FwCfgRig rig;
  CHECK_EQ(rig.Dma(0x0000000a, 4, 0xfff00000), 1);
  CHECK_EQ(rig.Dma(0x0000000a, 0xffffffff, 0x8000), 1);
  CHECK_EQ(rig.Dma(0x0000000a, 16, ~u64{0} - 4), 1);
}

TEST_CASE("fw_cfg: only writable files take DMA writes, and tell of them") {
  FwCfgRig rig;
  std::string seen;
  REQUIRE(rig.fw_cfg.AddFile("etc/ro", Text("1234")).ok());
  REQUIRE(rig.fw_cfg
              .AddFile("etc/rw", Text("1234"),
                       [&](const FwCfg::Bytes& bytes) {
                         seen.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                       })
              .ok());
  std::memcpy(rig.ram->data() + 0x300, "wxyz!", 5);
  CHECK_EQ(rig.Dma(0x00200018, 4, 0x300), 1);
  CHECK_EQ(rig.Dma(0x00210018, 4, 0x300), 0);
  CHECK_EQ(seen, "wxyz");
  CHECK_EQ(rig.Dma(0x00210018, 5, 0x300), 1);
}

}  // namespace
}  // namespace tandem::devices
