#include "devices/display/std_vga.h"

#include <algorithm>

#include "base/check.h"
#include "devices/display/vga_ports.h"
#include "devices/display/vga_render.h"

namespace tandem::devices {
namespace {

constexpr PciId kId = {0x1234, 0x1111, 0x030000, 2, 0x1af4, 0x1100, false};
constexpr u64 kVgaPorts = 0x3b0;
constexpr u64 kVbePorts = 0x1ce;
constexpr u64 kVgaMemory = 0xa0000;

// BAR 2: the VGA ports from 0x3c0 on, the VBE registers, and two of QEMU's own.
constexpr u64 kMmioPorts = 0x400;
constexpr u64 kMmioPortsEnd = 0x420;
constexpr u64 kMmioVbe = 0x500;
constexpr u64 kMmioVbeEnd = kMmioVbe + 2 * BochsVbe::kCount;
constexpr u64 kMmioExtensionSize = 0x600;
constexpr u64 kMmioByteOrder = 0x604;
constexpr u32 kLittleEndian = 0x1e1e1e1e;

// Above what RAM and the BIOS map there by default.
constexpr AddressSpace::Placement kOverRam = {.priority = 1, .enabled = true};

}  // namespace

VgaDevice::VgaDevice(std::shared_ptr<RamBlock> memory)
    : memory_(std::move(memory)),
      vbe_(static_cast<u32>(memory_->size())),
      window_(vga_, memory_->bytes()) {}

void VgaDevice::DoReset() {
  vga_ = VgaRegisters();
  vbe_.Reset();
  window_.Reset();
  vbe_index_ = 0;
  std::ranges::fill(memory_->bytes(), std::byte{0});
}

void VgaDevice::Render(Surface& out) {
  MutexLock lock(mu_);
  RenderVga(vga_, vbe_, memory_->bytes(), out);
}

std::vector<std::string> VgaDevice::TextScreen() {
  MutexLock lock(mu_);
  return TextOf(vga_, vbe_, memory_->bytes());
}

// A mode that is switched on sets up the VGA for linear access, and clears its memory.
void VgaDevice::WriteVbe(u32 index, u16 value) {
  const bool was_enabled = vbe_.IsEnabled();
  const bool clears = vbe_.Write(index, value);
  if (clears) {
    const u64 bytes = u64{vbe_.Pitch()} * vbe_.Height();
    std::ranges::fill(memory_->bytes().first(std::min(bytes, memory_->size())), std::byte{0});
  }
  if (!was_enabled && vbe_.IsEnabled()) {
    vga_.graphics[6] = static_cast<u8>((vga_.graphics[6] & ~0x0c) | 0x05);
    vga_.sequencer[2] |= 0x0f;
    vga_.sequencer[4] =
        static_cast<u8>(vbe_.BitsPerPixel() == 4 ? vga_.sequencer[4] & ~8 : vga_.sequencer[4] | 8);
  }
}

u64 VgaDevice::ReadMmioWord(u64 offset) const {
  if (offset >= kMmioVbe && offset < kMmioVbeEnd) {
    return vbe_.Read(static_cast<u32>((offset - kMmioVbe) / 2));
  }
  return offset == kMmioExtensionSize ? 8 : offset == kMmioByteOrder ? kLittleEndian : 0;
}

u8 VgaDevice::ReadByte(u64 offset) {
  if (offset >= kMemoryOffset) {
    return window_.Read(static_cast<u32>(offset - kMemoryOffset), vbe_.BankOffset());
  }
  if (offset >= kPortOffset && offset < kPortOffset + kPortLength) {
    return ReadVgaPort(vga_, static_cast<u32>(offset - kPortOffset + kVgaPorts));
  }
  if (offset >= kMmioPorts && offset < kMmioPortsEnd) {
    return ReadVgaPort(vga_, static_cast<u32>(offset - kMmioPorts + 0x3c0));
  }
  return 0xff;
}

void VgaDevice::WriteByte(u64 offset, u8 value) {
  if (offset >= kMemoryOffset) {
    window_.Write(static_cast<u32>(offset - kMemoryOffset), vbe_.BankOffset(), value);
  } else if (offset >= kPortOffset && offset < kPortOffset + kPortLength) {
    WriteVgaPort(vga_, static_cast<u32>(offset - kPortOffset + kVgaPorts), value, vbe_.IsDac8Bit());
  } else if (offset >= kMmioPorts && offset < kMmioPortsEnd) {
    WriteVgaPort(vga_, static_cast<u32>(offset - kMmioPorts + 0x3c0), value, vbe_.IsDac8Bit());
  }
}

void VgaDevice::DoRead(u64 offset, std::span<std::byte> data) {
  if (offset >= kVbeOffset && offset < kVbeOffset + kVbeLength) {
    return SetAccessValue(data, offset == kVbeOffset ? vbe_index_ : vbe_.Read(vbe_index_));
  }
  const bool is_word = offset < kMmioLength && (offset < kMmioPorts || offset >= kMmioPortsEnd);
  if (is_word) {
    return SetAccessValue(data, ReadMmioWord(offset));
  }
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = std::byte{ReadByte(offset + i)};
  }
}

void VgaDevice::DoWrite(u64 offset, std::span<const std::byte> data) {
  const u16 value = static_cast<u16>(AccessValue(data));
  if (offset == kVbeOffset) {
    vbe_index_ = value;
  } else if (offset > kVbeOffset && offset < kVbeOffset + kVbeLength) {
    WriteVbe(vbe_index_, value);
  } else if (offset >= kMmioVbe && offset < kMmioVbeEnd) {
    WriteVbe(static_cast<u32>((offset - kMmioVbe) / 2), value);
  } else {
    for (size_t i = 0; i < data.size(); ++i) {
      WriteByte(offset + i, static_cast<u8>(data[i]));
    }
  }
}

Result<std::shared_ptr<StdVga>> StdVga::Create(std::shared_ptr<RamBlock> rom) {
  Result<std::shared_ptr<RamBlock>> memory = RamBlock::Create("vga.vram", kMemorySize);
  if (!memory) {
    return memory.error();
  }
  return std::shared_ptr<StdVga>(new StdVga(*memory, std::move(rom)));
}

StdVga::StdVga(std::shared_ptr<RamBlock> memory, std::shared_ptr<RamBlock> rom)
    : PciDevice(kId), device_(std::make_shared<VgaDevice>(memory)) {
  SetBar(0, RamBar(BarKind::kMemory32, std::move(memory)));
  SetBar(2, DeviceBar(VgaDevice::kMmioLength, BarKind::kMemory32, device_));
  if (rom) {
    SetRom(std::move(rom));
  }
}

void StdVga::OnAttach() {
  const auto ports =
      slot().ports->MapIo(Gpa(kVgaPorts), VgaDevice::kPortLength, device_, VgaDevice::kPortOffset);
  const auto vbe =
      slot().ports->MapIo(Gpa(kVbePorts), VgaDevice::kVbeLength, device_, VgaDevice::kVbeOffset);
  const auto window = slot().memory->MapIo(Gpa(kVgaMemory), VgaDevice::kMemoryLength, device_,
                                           VgaDevice::kMemoryOffset, kOverRam);
  CHECK(ports.ok() && vbe.ok() && window.ok());
}

void StdVga::Refresh(DisplaySink& sink) {
  Surface now;
  device_->Render(now);
  if (now.width == shown_.width && now.height == shown_.height && now.pixels == shown_.pixels) {
    return;
  }
  shown_ = std::move(now);
  sink.Present({shown_.width, shown_.height, shown_.pixels}, {0, 0, shown_.width, shown_.height});
}

}  // namespace tandem::devices
