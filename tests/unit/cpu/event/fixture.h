#pragma once

#include "cpu/event/context.h"
#include "devices/bus/instruction_clock.h"
#include "tests/unit/cpu/mmu/fixture.h"

namespace tandem::cpu {

// A processor with tables in RAM: GDT at 0x10000, IDT at 0x11000, TSS at 0x12000.
struct EventFixture : MmuFixture {
  static constexpr u64 kGdt = 0x10000, kIdt = 0x11000, kTss = 0x12000, kTss2 = 0x13000;
  static constexpr u16 kCode0 = 0x08, kData0 = 0x10, kCode3 = 0x1b, kData3 = 0x23, kTr = 0x28,
                       kTr2 = 0x38, kCode64 = 0x48, kAbsent = 0x50, kFree = 0x58;

  EventFixture() {
    model.vendor = "GenuineIntel";
    model.max_leaf = 0x1f;
    model.max_extended_leaf = 0x80000008;
    state.dr7 = 0x400;
    PutDescriptor(kCode0, 0x00cf9b000000ffff);
    PutDescriptor(kData0, 0x00cf93000000ffff);
    PutDescriptor(kCode3, 0x00cffb000000ffff);
    PutDescriptor(kData3, 0x00cff3000000ffff);
    PutDescriptor(kTr, 0x00008b0120000067 | u64{kTss & 0xff0000} << 16);
    PutDescriptor(kTr2, 0x0000890130000067);
    PutDescriptor(kCode64, 0x00af9b000000ffff);
    PutDescriptor(kAbsent, 0x00cf13000000ffff);
  }

  void PutDescriptor(u16 selector, u64 value) { Put<u64>(kGdt + (selector & ~7u), value); }
  void PutGate32(u8 vector, u16 selector, u32 offset, u8 rights) {
    Put<u64>(kIdt + 8u * vector, (offset & 0xffffu) | u64{selector} << 16 | u64{rights} << 40 |
                                     u64{offset & 0xffff0000} << 32);
  }
  void PutGate64(u8 vector, u16 selector, u64 offset, u8 rights, u8 ist) {
    const u64 low = (offset & 0xffff) | u64{selector} << 16 | u64{ist} << 32 | u64{rights} << 40 |
                    (offset & 0xffff0000) << 32;
    Put<u64>(kIdt + 16u * vector, low);
    Put<u64>(kIdt + 16u * vector + 8, offset >> 32);
  }

  // Flat 32-bit segments at this privilege, no paging.
  void EnterProtected(u8 cpl) {
    state.cr0 = kCr0Pe;
    state.gdtr = {kGdt, 0xff};
    state.idtr = {kIdt, 0x7ff};
    state.tr = {kTss, 0x67, kTr, 0x8b};
    state.ldtr = {};
    const auto dpl = static_cast<u16>(cpl << 5);
    for (Segment& segment : state.seg) {
      segment = {0, 0xffffffff, cpl == 0 ? kData0 : kData3, static_cast<u16>(0xc093 | dpl)};
    }
    state.Seg(SegReg::kCs) = {0, 0xffffffff, cpl == 0 ? kCode0 : kCode3,
                              static_cast<u16>(0xc09b | dpl)};
    state.cpl = cpl;
    state.rip = 0x4000;
    state.gpr[kRsp] = 0x20000;
    state.rflags = kFlagFixed1 | kFlagIf;
    Put<u32>(kTss + 4, 0x30000);
    Put<u16>(kTss + 8, kData0);
    Refresh();
  }
  // Long mode with the first 2 MiB mapped for all.
  void EnterLong(u8 cpl) {
    EnterProtected(cpl);
    MmuFixture::EnterLongMode(0);
    Put<u64>(0x3000, 0x87);
    state.Seg(SegReg::kCs).attributes = static_cast<u16>(0xa09b | cpl << 5);
    state.idtr = {kIdt, 0xfff};
    Put<u64>(kTss + 4, 0x30008);     // RSP0
    Put<u64>(kTss + 0x24, 0x38000);  // IST1
    Refresh();
  }

  devices::AddressSpace ports;
  devices::InstructionClock clock{0};
  Context context{state, *mmu, model, ports, &apic, clock, 0};
};

}  // namespace tandem::cpu
