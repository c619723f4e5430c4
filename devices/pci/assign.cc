#include "devices/pci/assign.h"

#include <array>

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr std::array<u8, 4> kPirqRoutes{10, 10, 11, 11};
constexpr Gpa kElcr2(0x4d1);
constexpr std::byte kLevelInputs{0x0c};  // 10 and 11

// Gives out addresses from bottom to top.
struct Allocator {
  u64 next;
  u64 end;

  // Naturally aligned; 0 where the window is full.
  u64 Take(u64 size) {
    const u64 at = AlignUp(next, size);
    if (at + size > end) {
      return 0;
    }
    next = at + size;
    return at;
  }
};

struct Assigner {
  PciHost& host;
  Allocator memory;
  Allocator ports;

  void AssignFunction(u8 devfn);
  u32 AssignBar(u8 devfn, u32 at);
  void AssignInterrupt(u8 devfn);
};

// Returns how many BAR registers were used.
u32 Assigner::AssignBar(u8 devfn, u32 at) {
  host.WriteConfig(devfn, at, 4, 0xffffffff);
  const u32 sized = host.ReadConfig(devfn, at, 4);
  const bool is_port = (sized & 1) != 0;
  const bool is_wide = !is_port && (sized & 6) == 4;
  const u32 mask = sized & (is_port ? ~3u : ~0xfu);
  u64 address = 0;
  if (mask != 0) {
    address = (is_port ? ports : memory).Take(u64{~mask} + 1);
  }
  host.WriteConfig(devfn, at, 4, static_cast<u32>(address));
  if (is_wide) {
    host.WriteConfig(devfn, at + 4, 4, 0);
  }
  return is_wide ? 2 : 1;
}

void Assigner::AssignInterrupt(u8 devfn) {
  const u32 pin = host.ReadConfig(devfn, pci::kInterruptPin, 1);
  if (pin != 0) {
    host.WriteConfig(devfn, pci::kInterruptLine, 1, kPirqRoutes[((devfn >> 3) + 2 + pin) & 3]);
  }
}

void Assigner::AssignFunction(u8 devfn) {
  if (host.ReadConfig(devfn, pci::kVendorId, 2) == 0xffff) {
    return;
  }
  for (u32 index = 0; index < 6;) {
    index += AssignBar(devfn, pci::kBar0 + 4 * index);
  }
  AssignInterrupt(devfn);
  const u32 command = host.ReadConfig(devfn, pci::kCommand, 2);
  host.WriteConfig(devfn, pci::kCommand, 2, command | pci::kCommandIo | pci::kCommandMemory);
}

void SetUpChipset(PciHost& host, const PciWindows& windows) {
  const u8 bridge = PciDevfn(0, 0);
  host.WriteConfig(bridge, 0x59, 1, 0x30);
  for (u32 pam = 0x5a; pam <= 0x5f; ++pam) {
    host.WriteConfig(bridge, pam, 1, 0x33);
  }
  const u8 isa = PciDevfn(1, 0);
  for (u32 pirq = 0; pirq < kPirqRoutes.size(); ++pirq) {
    host.WriteConfig(isa, 0x60 + pirq, 1, kPirqRoutes[pirq]);
  }
  const u8 pm = PciDevfn(1, 3);
  host.WriteConfig(pm, 0x40, 4, static_cast<u32>(windows.acpi_port) | 1);
  host.WriteConfig(pm, 0x80, 1, 1);
  host.WriteConfig(pm, 0x90, 4, static_cast<u32>(windows.smbus_port) | 1);
  host.WriteConfig(pm, 0xd2, 1, 0x09);
  host.WriteConfig(pm, pci::kInterruptLine, 1, 9);
}

}  // namespace

void AssignResources(PciHost& host, AddressSpace& ports, const PciWindows& windows) {
  Assigner assigner{
      host, {windows.memory_start, windows.memory_end}, {windows.ports_start, windows.ports_end}};
  for (u32 devfn = 0; devfn < 256; ++devfn) {
    assigner.AssignFunction(static_cast<u8>(devfn));
  }
  SetUpChipset(host, windows);
  (void)ports.View()->Write(kElcr2, std::array{kLevelInputs});
}

}  // namespace tandem::devices
