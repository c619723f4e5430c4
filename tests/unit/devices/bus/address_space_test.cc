#include "devices/bus/address_space.h"

#include <doctest/doctest.h>

#include <array>

namespace tandem::devices {
namespace {

class Register final : public Device {
 public:
  u64 last_offset = 0;
  u64 value = 0;

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override {
    last_offset = offset;
    SetAccessValue(data, value);
  }
  void DoWrite(u64 offset, std::span<const std::byte> data) override {
    last_offset = offset;
    value = AccessValue(data);
  }
  void DoReset() override { value = 0; }
};

std::shared_ptr<RamBlock> Ram(u64 size) { return *RamBlock::Create("test", size); }

u8 ReadByte(const AddressSpace& space, u64 address) {
  std::array<std::byte, 1> byte{};
  (void)space.View()->Read(Gpa(address), byte);
  return static_cast<u8>(byte[0]);
}

TEST_CASE("address space: unmapped bytes read as ones and say so") {
  AddressSpace space;
  std::array<std::byte, 4> data{};
  CHECK_EQ(space.View()->Read(Gpa(0x1000), data), IoStatus::kUnmapped);
  CHECK_EQ(static_cast<int>(data[3]), 0xff);
}

TEST_CASE("address space: the higher priority covers the lower, and uncovers it when unmapped") {
  AddressSpace space;
  auto low = Ram(0x3000);
  auto high = Ram(0x1000);
  low->data()[0x1000] = std::byte{1};
  high->data()[0] = std::byte{2};
  REQUIRE(space.MapRam(Gpa(0), 0x3000, low, 0, false).ok());
  const auto id = space.MapRam(Gpa(0x1000), 0x1000, high, 0, false, {.priority = 1});
  REQUIRE(id.ok());
  CHECK_EQ(ReadByte(space, 0x1000), 2);
  CHECK_EQ(space.View()->ranges().size(), 3);
  space.Unmap(*id);
  CHECK_EQ(ReadByte(space, 0x1000), 1);
}

TEST_CASE("address space: an alias shows its target at another place") {
  AddressSpace space;
  auto rom = Ram(0x2000);
  rom->data()[0x1fff] = std::byte{0x5a};
  REQUIRE(space.MapRam(Gpa(0xffffe000), 0x2000, rom, 0, true).ok());
  REQUIRE(space.MapAlias(Gpa(0xfe000), 0x2000, Gpa(0xffffe000)).ok());
  CHECK_EQ(ReadByte(space, 0xfffff), 0x5a);
}

TEST_CASE("address space: ROM drops writes and reports it") {
  AddressSpace space;
  REQUIRE(space.MapRam(Gpa(0), 0x1000, Ram(0x1000), 0, true).ok());
  const std::array<std::byte, 1> one{std::byte{1}};
  CHECK_EQ(space.View()->Write(Gpa(0), one), IoStatus::kReadOnly);
  CHECK_EQ(ReadByte(space, 0), 0);
  CHECK_EQ(space.View()->HostPtr(Gpa(0), 1, Access::kWrite), nullptr);
  CHECK_NE(space.View()->HostPtr(Gpa(0), 1, Access::kRead), nullptr);
}

TEST_CASE("address space: an access that spans RAM and a device is split") {
  AddressSpace space;
  auto device = std::make_shared<Register>();
  REQUIRE(space.MapRam(Gpa(0), 0x1000, Ram(0x1000), 0, false).ok());
  REQUIRE(space.MapIo(Gpa(0x1000), 0x10, device, 0x100).ok());
  const std::array<std::byte, 4> data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  CHECK_EQ(space.View()->Write(Gpa(0xffe), data), IoStatus::kOk);
  CHECK_EQ(ReadByte(space, 0xfff), 2);
  CHECK_EQ(device->value, 0x0403);
  CHECK_EQ(device->last_offset, 0x100);
}

TEST_CASE("address space: DMA never reaches a device") {
  AddressSpace space;
  auto device = std::make_shared<Register>();
  REQUIRE(space.MapIo(Gpa(0x1000), 0x10, device).ok());
  const std::array<std::byte, 4> data{};
  CHECK_EQ(space.View()->DmaWrite(Gpa(0x1000), data), IoStatus::kUnmapped);
  CHECK_EQ(device->last_offset, 0);
}

TEST_CASE("address space: a region that exceeds its block or the space is refused") {
  AddressSpace space;
  CHECK_FALSE(space.MapRam(Gpa(0), 0x2000, Ram(0x1000), 0, false).ok());
  CHECK_FALSE(space.MapIo(Gpa(~u64{0}), 0x10, std::make_shared<Register>()).ok());
}

TEST_CASE("ram block: dirty pages are logged once switched on, and read once") {
  AddressSpace space;
  auto ram = Ram(0x100000);
  REQUIRE(space.MapRam(Gpa(0), 0x100000, ram, 0, false).ok());
  const std::array<std::byte, 2> data{};
  (void)space.View()->Write(Gpa(0x5000), data);
  CHECK_EQ(ram->TakeDirty()[0], 0);
  ram->SetDirtyLogging(true);
  (void)space.View()->Write(Gpa(0x5fff), data);
  CHECK_EQ(ram->TakeDirty()[0], 0x60);
  CHECK_EQ(ram->TakeDirty()[0], 0);
}

}  // namespace
}  // namespace tandem::devices
