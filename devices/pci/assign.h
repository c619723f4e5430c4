#pragma once

#include "devices/pci/pci_host.h"

namespace tandem::devices {

// Where AssignResources may place BARs.
struct PciWindows {
  u64 memory_start = 0xc0000000;  // above RAM
  u64 memory_end = 0xfebff000;
  u64 ports_start = 0xc000;
  u64 ports_end = 0xf000;
  u64 acpi_port = 0x600;
  u64 smbus_port = 0x700;
};

// What firmware does before it boots a kernel, for machines that boot without one: places all BARs,
// switches decoding on, routes PIRQA-D to IRQ 10, 10, 11, 11 and tells each function its interrupt,
// makes IRQ 10 and 11 level-triggered (through the ELCR in `ports`), switches the ACPI registers on
// and opens shadow RAM. The machine is not running.
void AssignResources(PciHost& host, AddressSpace& ports, const PciWindows& windows);

}  // namespace tandem::devices
