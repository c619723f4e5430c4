#pragma once

#include <memory>
#include <vector>

#include "base/bits.h"
#include "cpu/mmu/mmu.h"

namespace tandem::cpu {

class FakeCode final : public CodeWatch {
 public:
  bool HoldsCode(Gpa page) const override { return page == code_page; }
  bool HoldsAnyCode(Gpa start, u64 length) const override {
    return code_page.value - start.value < length;
  }
  void OnCodeWritten(Gpa start, u64) override { writes.push_back(start.value); }
  Gpa code_page{~u64{0xfff}};
  std::vector<u64> writes;
};

class FakeApic final : public devices::LocalApic {
 public:
  u32 ReadRegister(u32 offset) override { return 0xa0000000 | offset; }
  void WriteRegister(u32 offset, u32 value) override {
    written_offset = offset;
    written = value;
  }
  std::optional<u64> ReadMsr(u32) override { return base; }
  bool WriteMsr(u32, u64) override { return true; }
  u8 TaskPriority() const override { return 0; }
  void SetTaskPriority(u8) override {}
  void Reset() override {}
  u64 base = 0xfee00900;
  u32 written_offset = 0, written = 0;
};

// A device of 16 bytes that remembers what it was told.
class FakeDevice final : public devices::Device {
 public:
  u64 reads = 0, last_write = 0;

 private:
  void DoRead(u64, std::span<std::byte> data) override {
    ++reads;
    devices::SetAccessValue(data, 0x55);
  }
  void DoWrite(u64, std::span<const std::byte> data) override {
    last_write = devices::AccessValue(data);
  }
  void DoReset() override {}
};

// 4 MiB of RAM at 0, a device at 16 MiB, ROM at 17 MiB; everything the model knows is on.
struct MmuFixture {
  static constexpr u64 kRamSize = 0x400000;
  static constexpr u64 kDeviceAt = 0x1000000;
  static constexpr u64 kRomAt = 0x1100000;

  MmuFixture() {
    model.features.set();
    model.physical_address_bits = 40;
    (void)memory.MapRam(Gpa(0), kRamSize, ram, 0, false).ok();
    (void)memory.MapIo(Gpa(kDeviceAt), 16, device).ok();
    (void)memory.MapRam(Gpa(kRomAt), 0x1000, rom, 0, true).ok();
    mmu = std::make_unique<Mmu>(state, model, memory, &apic, code, *tlb);
    mmu->ServeFlushRequest();
  }

  template <typename T>
  void Put(u64 address, T value) {
    StoreLe<T>(ram->data() + address, value);
  }
  template <typename T>
  T Get(u64 address) const {
    return LoadLe<T>(ram->data() + address);
  }
  void Refresh() {
    mmu->FlushAll();
    mmu->UpdateMode();
  }

  // Four levels: PML4 0x1000, PDPT 0x2000, PD 0x3000, PT 0x4000; the page at linear 0x5000 is
  // entry 5 of the PT.
  void EnterLongMode(u64 leaf) {
    state.cr0 = kCr0Pe | kCr0Pg | kCr0Wp;
    state.cr4 = kCr4Pae;
    state.msr.efer = kEferLme | kEferLma | kEferNxe;
    state.cr3 = 0x1000;
    state.Seg(SegReg::kCs).attributes = 0xa09b;
    Put<u64>(0x1000, 0x2007);
    Put<u64>(0x2000, 0x3007);
    Put<u64>(0x3000, 0x4007);
    Put<u64>(0x4000 + 8 * 5, leaf);
    Refresh();
  }

  // Whether a byte at the linear address is read without a walk.
  bool IsCached(u64 linear) { return mmu->TryRead(Gva(linear), 1) != nullptr; }
  // Walks if need be; false: a fault.
  bool Touch(u64 linear) { return !mmu->Probe(Gva(linear), 1, AccessKind::kRead).raised; }

  CpuState state;
  CpuModel model;
  devices::AddressSpace memory;
  std::shared_ptr<devices::RamBlock> ram = *devices::RamBlock::Create("ram", kRamSize);
  std::shared_ptr<devices::RamBlock> rom = *devices::RamBlock::Create("rom", 0x1000);
  std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  FakeApic apic;
  FakeCode code;
  std::unique_ptr<TlbStorage> tlb = std::make_unique<TlbStorage>();
  std::unique_ptr<Mmu> mmu;
};

}  // namespace tandem::cpu
