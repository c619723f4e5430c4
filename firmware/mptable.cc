#include "firmware/mptable.h"

namespace tandem::firmware {
namespace {

constexpr u8 kPciBus = 0;
constexpr u8 kIsaBus = 1;
constexpr u8 kApicVersion = 0x14;
constexpr u8 kIoApicVersion = 0x11;
constexpr u16 kConforms = 0;
constexpr size_t kFloatingSize = 16;

class ConfigTable {
 public:
  void Processor(u8 id) {
    out_.U8(0).U8(id).U8(kApicVersion).U8(id == 0 ? 3 : 1).U32(0x600).U32(0x201).U64(0);
    ++count_;
  }
  void Bus(u8 id, std::string_view type) {
    out_.U8(1).U8(id).Padded(type, 6, ' ');
    ++count_;
  }
  void IoApic(u8 id) {
    out_.U8(2).U8(id).U8(kIoApicVersion).U8(1).U32(kIoApicAddress);
    ++count_;
  }
  // entry_type 3: into the IOAPIC, 4: into a local APIC. interrupt_type: 0 vectored, 1 NMI, 3
  // ExtINT.
  void Interrupt(u8 entry_type, u8 interrupt_type, u8 irq, u8 apic, u8 pin) {
    out_.U8(entry_type).U8(interrupt_type).U16(kConforms).U8(kIsaBus).U8(irq).U8(apic).U8(pin);
    ++count_;
  }
  Bytes Take() {
    ByteWriter table;
    table.Text("PCMP").U16(44 + out_.size()).U8(4).U8(0).Padded("TANDEM", 8, ' ');
    table.Padded("PC", 12, ' ').U32(0).U16(0).U16(count_).U32(kLocalApicAddress).U32(0);
    table.Raw(out_.bytes());
    table.Patch<u8>(7, ChecksumOf(table.bytes()));
    return table.Take();
  }

 private:
  ByteWriter out_;
  u16 count_ = 0;
};

}  // namespace

Bytes BuildMpTable(const Board& board, u32 address) {
  ConfigTable config;
  const u8 processors = static_cast<u8>(std::min<u32>(board.cpus, 254));
  for (u8 id = 0; id < processors; ++id) {
    config.Processor(id);
  }
  config.Bus(kPciBus, "PCI");
  config.Bus(kIsaBus, "ISA");
  config.IoApic(processors);
  for (u8 irq = 0; irq < 16; ++irq) {
    if (irq != 2) {
      config.Interrupt(3, 0, irq, processors, irq == 0 ? 2 : irq);
    }
  }
  config.Interrupt(4, 3, 0, 0, 0);
  config.Interrupt(4, 1, 0, 0xff, 1);

  ByteWriter out;
  out.Text("_MP_").U32(address + kFloatingSize).U8(1).U8(4).U8(0).Zeros(5);
  out.Patch<u8>(10, ChecksumOf(out.bytes()));
  return out.Raw(config.Take()).Take();
}

}  // namespace tandem::firmware
