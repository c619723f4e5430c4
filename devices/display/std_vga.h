#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices/display/bochs_vbe.h"
#include "devices/display/display_sink.h"
#include "devices/display/surface.h"
#include "devices/display/vga_memory.h"
#include "devices/pci/pci_device.h"

namespace tandem::devices {

// The registers and the memory window of the standard VGA: one Device seen at several places.
class VgaDevice final : public Device {
 public:
  static constexpr u64 kMmioOffset = 0;  // 4 KiB, BAR 2
  static constexpr u64 kMmioLength = 0x1000;
  static constexpr u64 kPortOffset = 0x2000;  // ports 0x3b0-0x3df
  static constexpr u64 kPortLength = 0x30;
  static constexpr u64 kVbeOffset = 0x3000;  // ports 0x1ce-0x1d0
  static constexpr u64 kVbeLength = 3;
  static constexpr u64 kMemoryOffset = 0x20000;  // 0xa0000-0xbffff
  static constexpr u64 kMemoryLength = 0x20000;

  explicit VgaDevice(std::shared_ptr<RamBlock> memory);

  // Any thread.
  void Render(Surface& out);
  std::vector<std::string> TextScreen();

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;
  u8 ReadByte(u64 offset);
  void WriteByte(u64 offset, u8 value);
  u64 ReadMmioWord(u64 offset) const;
  void WriteVbe(u32 index, u16 value);

  const std::shared_ptr<RamBlock> memory_;
  VgaRegisters vga_;
  BochsVbe vbe_;
  VgaMemory window_;
  u16 vbe_index_ = 0;
};

// QEMU's "-vga std": PCI function 1234:1111 with 16 MiB of linear memory in BAR 0, the registers in
// BAR 2, legacy VGA ports and memory, and Bochs VBE.
class StdVga final : public PciDevice {
 public:
  static constexpr u64 kMemorySize = u64{16} << 20;

  // rom: vgabios-stdvga.bin, or null (firmware without display then).
  static Result<std::shared_ptr<StdVga>> Create(std::shared_ptr<RamBlock> rom);

  // Draws the picture and hands it to sink where it differs from the last one. One thread.
  void Refresh(DisplaySink& sink);
  // Draws the picture now. Any thread.
  void Render(Surface& out) { device_->Render(out); }
  // The text screen's characters, a string a row; empty in graphics modes. Any thread.
  std::vector<std::string> TextScreen() { return device_->TextScreen(); }

 private:
  StdVga(std::shared_ptr<RamBlock> memory, std::shared_ptr<RamBlock> rom);
  void OnAttach() override;
  void OnReset() override { device_->Reset(); }

  std::shared_ptr<VgaDevice> device_;
  Surface shown_;
};

}  // namespace tandem::devices
