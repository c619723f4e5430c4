#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>

#include "base/bits.h"
#include "devices/ide/piix3_ide.h"
#include "devices/pci/pci_host.h"

namespace tandem::devices {

// Disk contents in memory; completions wait until the test lets them happen.
class FakeDisk final : public BlockBackend {
 public:
  FakeDisk(std::vector<std::byte>& bytes, std::deque<std::function<void()>>& completions)
      : bytes_(bytes), completions_(completions) {}
  u64 Size() const override { return bytes_.size(); }
  bool IsReadOnly() const override { return false; }
  void Submit(BlockRequest request) override {
    u64 at = request.offset;
    for (const std::span<std::byte> buffer : request.buffers) {
      if (request.op == BlockOp::kRead) {
        std::copy_n(bytes_.begin() + static_cast<long>(at), buffer.size(), buffer.begin());
      } else {
        std::ranges::copy(buffer, bytes_.begin() + static_cast<long>(at));
      }
      at += buffer.size();
    }
    if (request.op == BlockOp::kDiscard) {
      std::fill_n(bytes_.begin() + static_cast<long>(at), request.length, std::byte{0});
    }
    completions_.push_back([done = std::move(request.done)] { done(0); });
  }

 private:
  std::vector<std::byte>& bytes_;
  std::deque<std::function<void()>>& completions_;
};

class FakeIrqChip final : public IrqChip {
 public:
  std::array<bool, 24> lines{};
  void SetLine(Gsi gsi, bool level) override { lines[gsi] = level; }
  void SendMsi(MsiMessage) override {}
  std::optional<u8> TakeVector(VcpuId) override { return std::nullopt; }
  bool HasVector(VcpuId) const override { return false; }
  LocalApic* Apic(VcpuId) override { return nullptr; }
  void Reset() override {}
};

class NoIntx final : public IntxSink {
  void SetIntx(u8, u8, bool) override {}
};

// An IDE function with one drive as primary master, driven through the ports.
struct IdeBench {
  explicit IdeBench(bool is_cdrom, size_t sectors = 64, bool has_disc = true)
      : disk(sectors * 512),
        ram(*RamBlock::Create("ram", 1 << 20)),
        host(memory, ports, intx, irqs, [] {}),
        ide(std::make_shared<Piix3Ide>(IrqLine(irqs, 14), IrqLine(irqs, 15))) {
    for (size_t i = 0; i < disk.size(); ++i) {
      disk[i] = static_cast<std::byte>(i / 512 + i % 7);
    }
    (void)memory.MapRam(Gpa(0), ram->size(), ram, 0, false);
    auto backend = has_disc ? std::make_unique<FakeDisk>(disk, completions) : nullptr;
    if (is_cdrom) {
      ide->channel(0).AddCdrom(0, std::move(backend), "QM00001");
    } else {
      ide->channel(0).AddDisk(0, std::move(backend), "QM00001");
    }
    (void)host.Plug(1, 1, ide);
    host.WriteConfig(PciDevfn(1, 1), 0x20, 4, 0xc000);
    host.WriteConfig(PciDevfn(1, 1), 0x04, 2, 5);
  }

  void Out(u64 port, u64 value, size_t size = 1) {
    std::array<std::byte, 8> bytes;
    SetAccessValue(bytes, value);
    (void)ports.View()->Write(Gpa(port), std::span(bytes).first(size));
  }
  u32 In(u64 port, size_t size = 1) {
    std::array<std::byte, 4> bytes{};
    (void)ports.View()->Read(Gpa(port), std::span(bytes).first(size));
    return static_cast<u32>(AccessValue(std::span(bytes).first(size)));
  }
  void Lba(u32 lba, u8 count) {
    Out(0x1f2, count);
    Out(0x1f3, lba);
    Out(0x1f4, lba >> 8);
    Out(0x1f5, lba >> 16);
    Out(0x1f6, 0xe0 | (lba >> 24 & 0xf));
  }
  void Settle() {
    while (!completions.empty()) {
      const auto done = completions.front();
      completions.pop_front();
      done();
    }
  }
  std::vector<std::byte> TakeData(size_t bytes) {
    std::vector<std::byte> data(bytes);
    for (size_t i = 0; i < bytes; i += 2) {
      const u32 word = In(0x1f0, 2);
      data[i] = static_cast<std::byte>(word);
      data[i + 1] = static_cast<std::byte>(word >> 8);
    }
    return data;
  }
  // One descriptor at 0x1000.
  void StartDma(u32 address, u32 bytes, bool to_memory) {
    StoreLe<u32>(ram->data() + 0x1000, address);
    StoreLe<u32>(ram->data() + 0x1004, (bytes & 0xffff) | 0x80000000);
    Out(0xc004, 0x1000, 4);
    Out(0xc002, 0x06);
    Out(0xc000, to_memory ? 9 : 1);
  }
  void Packet(std::array<u8, 12> packet, u16 limit = 0xfffe, bool dma = false) {
    Out(0x1f1, dma ? 1 : 0);
    Out(0x1f4, limit);
    Out(0x1f5, limit >> 8);
    Out(0x1f7, 0xa0);
    for (size_t i = 0; i < 12; i += 2) {
      Out(0x1f0, packet[i] | packet[i + 1] << 8, 2);
    }
  }

  std::vector<std::byte> disk;
  std::deque<std::function<void()>> completions;
  std::shared_ptr<RamBlock> ram;
  AddressSpace memory;
  AddressSpace ports;
  FakeIrqChip irqs;
  NoIntx intx;
  PciHost host;
  std::shared_ptr<Piix3Ide> ide;
};

}  // namespace tandem::devices
