// All of a processor's state, in and out.
#include <cstring>

#include "accel/kvm/kvm_accelerator.h"
#include "tests/accel/rig.h"

namespace tandem::accel::tests {
namespace {

// 64-bit mode with a value of its own in every register. Paging as a guest would have it: page
// tables at 0x10000 that map the first 2 MiB.
cpu::CpuState LongModeState(Rig& rig) {
  using cpu::SegReg;
  rig.SetWord(0x10000, 0x11007);
  rig.SetWord(0x11000, 0x12007);
  rig.SetWord(0x12000, 0x87);
  cpu::CpuState state = rig.StartState();
  for (size_t i = 0; i < 16; ++i) {
    state.gpr[i] = 0x0123456789abcd00 + i;
  }
  state.rip = 0x1234;
  state.rflags = cpu::kFlagFixed1 | cpu::kFlagCf | cpu::kFlagDf | cpu::kFlagOf;
  state.cr0 = cpu::kCr0Pe | cpu::kCr0Pg | cpu::kCr0Et | cpu::kCr0Ne | cpu::kCr0Wp | cpu::kCr0Am;
  state.cr2 = 0xffff800000001234;
  state.cr3 = 0x10000;
  state.cr4 = cpu::kCr4Pae | cpu::kCr4Pge | cpu::kCr4Osfxsr | cpu::kCr4Osxmmexcpt;
  state.msr.efer = cpu::kEferSce | cpu::kEferLme | cpu::kEferLma | cpu::kEferNxe;
  state.Seg(SegReg::kCs) = {0, 0xffffffff, 0x33, 0xa0fb};
  state.Seg(SegReg::kSs) = {0, 0xffffffff, 0x2b, 0xc0f3};
  state.Seg(SegReg::kFs).base = 0x7fff12345000;
  state.Seg(SegReg::kGs).base = 0xffff888012340000;
  state.Seg(SegReg::kEs) = {0, 0xffffffff, 0, 0};
  state.cpl = 3;
  state.ldtr = {0x3000, 0xff, 0x40, 0x82};
  state.tr = {0x3400, 0x67, 0x48, 0x8b};
  state.gdtr = {0xfffffe0000001000, 0x7f};
  state.idtr = {0xfffffe0000000000, 0xfff};
  state.dr = {0x1000, 0x2000, 0x3000, 0x4000};
  state.dr6 = 0xffff0ff1;
  state.dr7 = 0x402;
  return state;
}

void SetMsrs(cpu::Msrs& msr) {
  msr.star = 0x0023001000000000;
  msr.lstar = 0xffffffff81000000;
  msr.cstar = 0xffffffff81000100;
  msr.sfmask = 0x47700;
  msr.kernel_gs_base = 0x7fff00001000;
  msr.sysenter_cs = 0x10;
  msr.sysenter_esp = 0xfffffe0000003000;
  msr.sysenter_eip = 0xffffffff81000200;
  msr.pat = 0x0407050600070106;
  msr.mtrr_def_type = 0xc06;
  msr.mtrr_fixed[0] = 0x0606060606060606;
  msr.mtrr_variable[2] = 0xc0000000;
  msr.mtrr_variable[3] = 0xffc0000800;
}

void SetVectors(cpu::CpuState& state) {
  state.fx.fcw = 0x27f;
  state.fx.fsw = 0x3800;  // top of stack 7
  state.fx.ftw = 0x80;
  state.fx.mxcsr = 0x1fa0;
  for (size_t i = 0; i < 8; ++i) {
    std::memset(state.fx.st[i], static_cast<int>(0x10 + i), 10);
  }
  for (size_t i = 0; i < 16; ++i) {
    std::memset(state.vec.zmm[i], static_cast<int>(0x40 + i), 16);
  }
}

void CheckSegment(const cpu::Segment& got, const cpu::Segment& wanted) {
  CHECK_EQ(got.attributes, wanted.attributes);
  CHECK_EQ(got.selector, wanted.selector);
  if (wanted.attributes != 0) {
    CHECK_EQ(got.base, wanted.base);
    CHECK_EQ(got.limit, wanted.limit);
  }
}

void CheckSegments(const cpu::CpuState& got, const cpu::CpuState& wanted) {
  for (size_t i = 0; i < got.seg.size(); ++i) {
    CAPTURE(i);
    CheckSegment(got.seg[i], wanted.seg[i]);
  }
  CheckSegment(got.ldtr, wanted.ldtr);
  CheckSegment(got.tr, wanted.tr);
  CHECK_EQ(got.gdtr.base, wanted.gdtr.base);
  CHECK_EQ(got.gdtr.limit, wanted.gdtr.limit);
  CHECK_EQ(got.idtr.base, wanted.idtr.base);
  CHECK_EQ(got.idtr.limit, wanted.idtr.limit);
  CHECK_EQ(got.cpl, wanted.cpl);
}

void CheckRegisters(const cpu::CpuState& got, const cpu::CpuState& wanted) {
  for (size_t i = 0; i < 16; ++i) {
    CAPTURE(i);
    CHECK_EQ(got.gpr[i], wanted.gpr[i]);
  }
  CHECK_EQ(got.rip, wanted.rip);
  CHECK_EQ(got.rflags, wanted.rflags);
  CHECK_EQ(got.cr0, wanted.cr0);
  CHECK_EQ(got.cr2, wanted.cr2);
  CHECK_EQ(got.cr3, wanted.cr3);
  CHECK_EQ(got.cr4, wanted.cr4);
  CHECK_EQ(got.xcr0, wanted.xcr0);
  CHECK(got.dr == wanted.dr);
  CHECK_EQ(got.dr6, wanted.dr6);
  CHECK_EQ(got.dr7, wanted.dr7);
}

void CheckMsrs(const cpu::Msrs& got, const cpu::Msrs& wanted) {
  CHECK_EQ(got.efer, wanted.efer);
  CHECK_EQ(got.star, wanted.star);
  CHECK_EQ(got.lstar, wanted.lstar);
  CHECK_EQ(got.cstar, wanted.cstar);
  CHECK_EQ(got.sfmask, wanted.sfmask);
  CHECK_EQ(got.kernel_gs_base, wanted.kernel_gs_base);
  CHECK_EQ(got.sysenter_cs, wanted.sysenter_cs);
  CHECK_EQ(got.sysenter_esp, wanted.sysenter_esp);
  CHECK_EQ(got.sysenter_eip, wanted.sysenter_eip);
  CHECK_EQ(got.pat, wanted.pat);
  CHECK_EQ(got.mtrr_def_type, wanted.mtrr_def_type);
  CHECK(got.mtrr_fixed == wanted.mtrr_fixed);
  CHECK(got.mtrr_variable == wanted.mtrr_variable);
}

void CheckVectors(const cpu::CpuState& got, const cpu::CpuState& wanted, size_t bytes) {
  CHECK_EQ(got.fx.fcw, wanted.fx.fcw);
  CHECK_EQ(got.fx.fsw, wanted.fx.fsw);
  CHECK_EQ(got.fx.ftw, wanted.fx.ftw);
  CHECK_EQ(got.fx.mxcsr, wanted.fx.mxcsr);
  for (size_t i = 0; i < 8; ++i) {
    CAPTURE(i);
    CHECK_EQ(std::memcmp(got.fx.st[i], wanted.fx.st[i], 10), 0);
  }
  for (size_t i = 0; i < 16; ++i) {
    CAPTURE(i);
    CHECK_EQ(std::memcmp(got.vec.zmm[i], wanted.vec.zmm[i], bytes), 0);
  }
}

}  // namespace

ENGINE_TEST("the power-on state comes back") {
  Rig rig(engine, "");
  cpu::CpuState wanted;
  cpu::PowerOnReset(wanted, true);
  rig.SetState(wanted);
  const cpu::CpuState got = rig.State();
  CheckSegments(got, wanted);
  CheckRegisters(got, wanted);
  CheckMsrs(got.msr, wanted.msr);
  CheckVectors(got, wanted, 16);
  CHECK_EQ(got.activity, cpu::Activity::kRunning);
}

ENGINE_TEST("the state of user code in 64-bit mode comes back, register by register") {
  Rig rig(engine, "");
  cpu::CpuState wanted = LongModeState(rig);
  SetMsrs(wanted.msr);
  SetVectors(wanted);
  rig.SetState(wanted);
  const cpu::CpuState got = rig.State();
  CheckSegments(got, wanted);
  CheckRegisters(got, wanted);
  CheckMsrs(got.msr, wanted.msr);
  CheckVectors(got, wanted, 16);
}

ENGINE_TEST("AVX registers come back where XCR0 has them on") {
  Rig rig(engine, "");
  cpu::CpuState wanted = rig.StartState();
  SetVectors(wanted);
  wanted.cr4 |= cpu::kCr4Osxsave | cpu::kCr4Osfxsr;
  wanted.xcr0 = cpu::kXcr0X87 | cpu::kXcr0Sse | cpu::kXcr0Avx;
  for (size_t i = 0; i < 16; ++i) {
    std::memset(wanted.vec.zmm[i] + 16, static_cast<int>(0x60 + i), 16);
  }
  rig.SetState(wanted);
  const cpu::CpuState got = rig.State();
  CheckRegisters(got, wanted);
  CheckVectors(got, wanted, 32);
}

ENGINE_TEST("shadows, NMIs, a halt and a wait for start-up come back") {
  Rig rig(engine, "", 2);
  cpu::CpuState wanted = rig.StartState();
  wanted.nmi_blocked = true;
  wanted.nmi_pending = true;
  wanted.sti_shadow = true;
  wanted.activity = cpu::Activity::kHalted;
  rig.SetState(wanted);
  const cpu::CpuState got = rig.State();
  CHECK(got.nmi_blocked);
  CHECK(got.nmi_pending);
  CHECK(got.sti_shadow);
  CHECK_FALSE(got.mov_ss_shadow);
  CHECK_EQ(got.activity, cpu::Activity::kHalted);
  cpu::PowerOnReset(wanted, false);
  rig.SetState(wanted, 1);
  CHECK_EQ(rig.State(1).activity, cpu::Activity::kWaitForSipi);
}

ENGINE_TEST("an interrupt that was taken but not delivered is delivered after a load") {
  Rig rig(engine, "wake");
  cpu::CpuState state = rig.StartState();
  rig.Start();
  REQUIRE_EQ(rig.reports->WaitFor(1), "H");
  rig.PauseWhenHalted();
  state = rig.State();
  state.activity = cpu::Activity::kRunning;
  state.pending_event = {.kind = cpu::PendingEvent::Kind::kInterrupt, .vector = 0x40};
  rig.SetState(state);
  const cpu::PendingEvent pending = rig.State().pending_event;
  CHECK_EQ(pending.kind, cpu::PendingEvent::Kind::kInterrupt);
  CHECK_EQ(pending.vector, 0x40);
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(3), "HIW");
}

ENGINE_TEST("the time-stamp counter goes on from what was loaded") {
  Rig rig(engine, "");
  cpu::CpuState state = rig.State();
  rig.clock.Pause();
  state.msr.tsc_offset = u64{1} << 40;
  rig.SetState(state);
  if (IsKvm(engine) && !CheckKvmIsFast()) {
    MESSAGE("not tried: the counter of a KVM that emulates each instruction is the host's");
    return;
  }
  const u64 later = rig.State().msr.tsc_offset;
  CHECK_GE(later, u64{1} << 40);
  CHECK_LT(later, (u64{1} << 40) + 60'000'000'000);
}

// Values of their own where no time passes: nothing is due, no timer counts.
devices::IrqState SomeIrqState() {
  using R = devices::LocalApicState;
  devices::IrqState state;
  devices::LocalApicState apic;
  apic.base = 0xfee00900;
  apic.registers[R::kTpr] = 0x50;
  apic.registers[R::kLdr] = 0x02000000;
  apic.registers[R::kDfr] = 0xffffffff;
  apic.registers[R::kSvr] = 0x1f7;
  apic.registers[R::kIsr + 2] = 1 << 1;
  apic.registers[R::kTmr + 3] = 1 << 5;
  apic.registers[R::kIrr + 3] = 1 << 5 | 1 << 6;
  apic.registers[R::kIcrLow] = 0x440f3;
  apic.registers[R::kIcrHigh] = 0x01000000;
  for (u32 lvt = R::kLvtTimer; lvt <= R::kLvtError; ++lvt) {
    apic.registers[lvt] = 0x100c0 + lvt;
  }
  apic.registers[R::kDivide] = 0x3;
  state.apics = {apic};
  state.pics[0] = {.lines = 0x10,
                   .requests = 0x50,
                   .mask = 0xfa,
                   .in_service = 0x08,
                   .level_triggered = 0x20,
                   .vector_base = 0x30,
                   .top_priority = 3,
                   .reads_in_service = true};
  state.pics[1] = {.mask = 0xef, .vector_base = 0x70, .init_step = 3, .expects_icw4 = true};
  state.io_apic.entries.fill(1u << 16);
  state.io_apic.entries[4] = 0x0300000000010033;
  state.io_apic.entries[9] = 0x010000000000c065;  // level-triggered, not ended
  state.io_apic.lines = 1 << 4 | 1 << 9;
  state.io_apic.select = 0x22;
  state.io_apic.id = 3;
  return state;
}

ENGINE_TEST("interrupt controllers' state goes in and comes out") {
  Rig rig(engine, "");
  const devices::IrqState wanted = SomeIrqState();
  rig.irqs->Load(wanted);
  const devices::IrqState got = rig.irqs->Save();
  REQUIRE_EQ(got.apics.size(), 1);
  CHECK_EQ(got.apics[0].base, wanted.apics[0].base);
  for (u32 i = 0; i < wanted.apics[0].registers.size(); ++i) {
    constexpr u32 kVersion = 3, kProcessorPriority = 10;
    if (i != kVersion && i != kProcessorPriority) {
      CHECK_MESSAGE(got.apics[0].registers[i] == wanted.apics[0].registers[i], "register ", i);
    }
  }
  for (size_t i = 0; i < 2; ++i) {
    const devices::PicState &pic = got.pics[i], &wanted_pic = wanted.pics[i];
    constexpr u8 kTimer = 1;  // the PIT may hold its line
    CHECK_EQ(pic.lines & ~kTimer, wanted_pic.lines);
    CHECK_EQ(pic.requests & ~kTimer, wanted_pic.requests);
    CHECK_EQ(pic.mask, wanted_pic.mask);
    CHECK_EQ(pic.in_service, wanted_pic.in_service);
    CHECK_EQ(pic.level_triggered, wanted_pic.level_triggered);
    CHECK_EQ(pic.vector_base, wanted_pic.vector_base);
    CHECK_EQ(pic.top_priority, wanted_pic.top_priority);
    CHECK_EQ(pic.init_step, wanted_pic.init_step);
    CHECK_EQ(pic.expects_icw4, wanted_pic.expects_icw4);
    CHECK_EQ(pic.reads_in_service, wanted_pic.reads_in_service);
  }
  CHECK(got.io_apic.entries == wanted.io_apic.entries);
  CHECK_EQ(got.io_apic.lines & ~4u, wanted.io_apic.lines);
  CHECK_EQ(got.io_apic.select, wanted.io_apic.select);
  CHECK_EQ(got.io_apic.id, wanted.io_apic.id);
}

ENGINE_TEST("the PIT's state goes in and comes out") {
  Rig rig(engine, "");
  devices::PitState wanted;
  wanted.channels[0] = {.gate = true,
                        .is_programmed = true,
                        .is_loaded = true,
                        .mode = 2,
                        .count = 0x1234,
                        .elapsed_ticks = 0,
                        .is_running = true,
                        .latched_count = 0x0102};
  wanted.channels[2] = {.gate = true,
                        .is_programmed = true,
                        .is_loaded = true,
                        .mode = 3,
                        .access = devices::PitChannelState::Access::kLow,
                        .count = 0x80,
                        .elapsed_ticks = 0,
                        .is_running = true};
  wanted.control_b = 3;
  wanted.is_irq_enabled = false;
  rig.Pit().LoadPit(wanted);
  const devices::PitState got = rig.Pit().SavePit();
  CHECK_FALSE(got.channels[1].is_programmed);
  for (const size_t i : {0, 2}) {
    CAPTURE(i);
    const devices::PitChannelState &channel = got.channels[i], &from = wanted.channels[i];
    CHECK(channel.is_programmed);
    CHECK(channel.gate);
    CHECK_EQ(channel.mode, from.mode);
    CHECK(channel.access == from.access);
    CHECK_EQ(channel.count, from.count);
    CHECK(channel.latched_count == from.latched_count);
    CHECK_FALSE(channel.reads_high_next);
  }
  CHECK_EQ(got.control_b, 3);
  CHECK_FALSE(got.is_irq_enabled);
}

}  // namespace tandem::accel::tests
