#include "devices/bus/ram_block.h"
#include "jit/engine/alias_windows.h"

#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

TEST_CASE("alias windows show scattered pages in order") {
  auto ram = *devices::RamBlock::Create("ram", 0x10000);
  devices::FlatRange range;
  range.start = Gpa(0);
  range.length = ram->size();
  range.ram = ram;
  const devices::FlatView view({range});
  const u64 host = reinterpret_cast<u64>(ram->data());
  ram->data()[0x5000] = std::byte{5};
  ram->data()[0x2000] = std::byte{2};

  AliasWindows windows;
  CHECK(!windows.Owns(0x400000));
  windows.Claim(0x400000);
  REQUIRE(windows.Show(0x400000, host + 0x5000, view));
  REQUIRE(windows.Show(0x401000, host + 0x2000, view));
  CHECK(windows.Shows(0x400000, host + 0x5000));
  CHECK(!windows.Shows(0x400000, host + 0x2000));
  const auto* shown = reinterpret_cast<const std::byte*>(windows.AddendFor(0x400000) + 0x400000);
  CHECK_EQ(static_cast<int>(shown[0]), 5);
  CHECK_EQ(static_cast<int>(shown[0x1000]), 2);
  ram->data()[0x2001] = std::byte{7};
  CHECK_EQ(static_cast<int>(shown[0x1001]), 7);

  CHECK(!windows.Show(0x402000, 0x1000, view));  // no RAM
  windows.Claim(0x400000 + 16 * AliasWindows::kSpan);
  CHECK(!windows.Owns(0x400000));
  CHECK(!windows.Shows(0x400000, host + 0x5000));
}

TEST_CASE("a kernel's windows do not take those of its programs") {
  AliasWindows windows;
  for (u64 i = 0; i < 32; ++i) {
    windows.Claim(0x400000);
    windows.Claim(0xffff888000000000 + i * AliasWindows::kSpan);
    CHECK(windows.Owns(0x400000));
  }
}

}  // namespace
}  // namespace tandem::jit
