#pragma once

#include "devices/bus/address_space.h"
#include "firmware/kernel.h"

#include <doctest/doctest.h>

namespace tandem::firmware {

// RAM as the PC lays it out.
struct TestBoard {
  explicit TestBoard(u64 ram_mib) {
    board.ram_bytes = ram_mib << 20;
    ram = *devices::RamBlock::Create("ram", board.ram_bytes);
    REQUIRE(space.MapRam(Gpa(0), 0xa0000, ram, 0, false).ok());
    REQUIRE(space.MapRam(Gpa(0x100000), board.LowRam() - 0x100000, ram, 0x100000, false).ok());
  }
  const std::byte* At(u64 address) const { return ram->data() + address; }

  Board board;
  std::shared_ptr<devices::RamBlock> ram;
  devices::AddressSpace space;
};

// A small but valid bzImage: 5 setup sectors, protocol 2.15, 64-bit entry, kernel code of 0x90.
inline Bytes SmallBzImage(std::span<const std::byte> payload = {}) {
  constexpr size_t kSetup = 5 * 512;
  Bytes image(kSetup + 0x400 + payload.size(), std::byte{0x90});
  std::fill_n(image.begin(), kSetup, std::byte{0});
  std::copy(payload.begin(), payload.end(), image.begin() + kSetup + 0x400);
  image[0x1f1] = std::byte{4};
  StoreLe<u32>(&image[0x1f4], static_cast<u32>((image.size() - kSetup + 15) / 16));
  StoreLe<u16>(&image[0x1fe], 0xaa55);
  image[0x201] = std::byte{0x6a};
  StoreLe<u32>(&image[0x202], 0x53726448);
  StoreLe<u16>(&image[0x206], 0x020f);
  image[0x211] = std::byte{1};
  StoreLe<u32>(&image[0x22c], 0x7fffffff);
  StoreLe<u32>(&image[0x230], 0x200000);
  image[0x234] = std::byte{1};
  StoreLe<u16>(&image[0x236], 0x7f);
  StoreLe<u32>(&image[0x238], 2047);
  if (!payload.empty()) {
    StoreLe<u32>(&image[0x248], 0x400);
    StoreLe<u32>(&image[0x24c], static_cast<u32>(payload.size()));
  }
  StoreLe<u64>(&image[0x258], 0x1000000);
  StoreLe<u32>(&image[0x260], 0x100000);
  return image;
}

// A 64-bit ELF with one PT_LOAD of code.
inline Bytes SmallElf(u64 address, u64 entry) {
  ByteWriter out;
  out.U32(0x464c457f).U8(2).U8(1).U8(1).Zeros(9).U16(2).U16(62).U32(1);
  out.U64(entry).U64(64).U64(0).U32(0).U16(64).U16(56).U16(1).Zeros(6);
  out.U32(1).U32(7).U64(120).U64(address).U64(address).U64(16).U64(64).U64(4096);
  return out.Padded("kernel code", 16, '!').Take();
}

}  // namespace tandem::firmware
