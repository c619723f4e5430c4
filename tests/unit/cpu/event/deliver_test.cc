#include "cpu/event/deliver.h"

#include <doctest/doctest.h>

#include "tests/unit/cpu/event/fixture.h"

namespace tandem::cpu {
namespace {

TEST_CASE("deliver: real mode pushes flags, CS, IP and clears IF and TF") {
  EventFixture f;
  PowerOnReset(f.state, true);
  f.state.Seg(SegReg::kCs).base = 0x1000;
  f.state.Seg(SegReg::kCs).selector = 0x100;
  f.state.idtr = {0, 0x3ff};
  f.state.gpr[kRsp] = 0xffff0100;
  f.state.rip = 0x22;
  f.state.rflags = kFlagFixed1 | kFlagIf | kFlagTf;
  f.Put<u32>(4 * 8, 0x12345678);
  DeliverInterrupt(f.context, 8);
  CHECK_EQ(f.state.rip, 0x5678);
  CHECK_EQ(f.state.Seg(SegReg::kCs).base, 0x12340);
  CHECK_EQ(f.state.gpr[kRsp], 0xffff00fa);
  CHECK_EQ(f.Get<u16>(0xfa), 0x22);
  CHECK_EQ(f.Get<u16>(0xfc), 0x100);
  CHECK_EQ(f.Get<u16>(0xfe), 0x302);
  CHECK_EQ(f.state.rflags, kFlagFixed1);
}

TEST_CASE("deliver: a 32-bit gate to an inner level switches stacks") {
  EventFixture f;
  f.EnterProtected(3);
  f.PutGate32(14, EventFixture::kCode0, 0x81234, 0x8e);
  DeliverFault(f.context, Fault::Page(6, 0xdead0000));
  CHECK_EQ(f.state.cpl, 0);
  CHECK_EQ(f.state.rip, 0x81234);
  CHECK_EQ(f.state.cr2, 0xdead0000);
  CHECK_EQ(f.state.gpr[kRsp], 0x30000 - 24);
  CHECK_EQ(f.Get<u32>(0x30000 - 24), 6);
  CHECK_EQ(f.Get<u32>(0x30000 - 20), 0x4000);
  CHECK_EQ(f.Get<u32>(0x30000 - 16), EventFixture::kCode3);
  CHECK_EQ(f.Get<u32>(0x30000 - 12), (kFlagFixed1 | kFlagIf | kFlagRf));
  CHECK_EQ(f.Get<u32>(0x30000 - 8), 0x20000);
  CHECK_EQ(f.Get<u32>(0x30000 - 4), EventFixture::kData3);
  CHECK_EQ(f.state.rflags, kFlagFixed1);
}

TEST_CASE("deliver: a trap gate keeps IF") {
  EventFixture f;
  f.EnterProtected(0);
  f.PutGate32(3, EventFixture::kCode0, 0x9000, 0x8f);
  CHECK_FALSE(SoftwareInterrupt(f.context, 3, SoftwareInterruptKind::kInt3, 0x4001).raised);
  CHECK_EQ(f.state.rip, 0x9000);
  CHECK((f.state.rflags & kFlagIf) != 0);
  CHECK_EQ(f.Get<u32>(0x20000 - 12), 0x4001);
}

TEST_CASE("deliver: INT n through a gate of DPL 0 from ring 3 is #GP with the vector") {
  EventFixture f;
  f.EnterProtected(3);
  f.PutGate32(0x80, EventFixture::kCode0, 0x9000, 0x8e);
  const Fault fault = SoftwareInterrupt(f.context, 0x80, SoftwareInterruptKind::kIntN, 0x4002);
  CHECK_EQ(fault.vector, Vector::kGp);
  CHECK_EQ(fault.error_code, 0x80 * 8 + 2);
  CHECK_EQ(f.state.rip, 0x4000);
  CHECK_EQ(f.state.gpr[kRsp], 0x20000);
}

TEST_CASE("deliver: a contributory fault while delivering one is a double fault") {
  EventFixture f;
  f.EnterProtected(0);
  f.PutGate32(13, EventFixture::kCode0, 0x9000, 0x0e);  // not present: #NP
  f.PutGate32(8, EventFixture::kCode0, 0x8000, 0x8e);
  DeliverFault(f.context, Fault::Gp(0x1234));
  CHECK_EQ(f.state.rip, 0x8000);
  CHECK_EQ(f.Get<u32>(0x20000 - 16), 0);
}

TEST_CASE("deliver: a benign exception whose gate is bad gives the second fault with EXT") {
  EventFixture f;
  f.EnterProtected(0);
  f.PutGate32(6, EventFixture::kCode0, 0x9000, 0x0e);
  f.PutGate32(11, EventFixture::kCode0, 0xb000, 0x8e);
  DeliverFault(f.context, Fault::Ud());
  CHECK_EQ(f.state.rip, 0xb000);
  CHECK_EQ(f.Get<u32>(0x20000 - 16), 6 * 8 + 3);
}

TEST_CASE("deliver: no double fault handler is a shutdown") {
  EventFixture f;
  f.EnterProtected(0);
  f.state.idtr.limit = 0;
  DeliverFault(f.context, Fault::Gp());
  CHECK_EQ(f.state.activity, Activity::kShutdown);
  CHECK_EQ(f.state.rip, 0x4000);
}

TEST_CASE("deliver: long mode aligns the stack and always pushes SS:RSP") {
  EventFixture f;
  f.EnterLong(0);
  f.state.gpr[kRsp] = 0x2000d;
  f.PutGate64(0x20, EventFixture::kCode64, 0x50000, 0x8e, 0);
  DeliverInterrupt(f.context, 0x20);
  CHECK_EQ(f.state.rip, 0x50000);
  CHECK_EQ(f.state.gpr[kRsp], 0x20000 - 40);
  CHECK_EQ(f.Get<u64>(0x20000 - 16), 0x2000d);
  CHECK_EQ(f.Get<u64>(0x20000 - 8), EventFixture::kData0);
}

TEST_CASE("deliver: long mode takes the IST stack, and SS becomes null from outside") {
  EventFixture f;
  f.EnterLong(3);
  f.PutGate64(8, EventFixture::kCode64, 0x50000, 0x8e, 1);
  DeliverFault(f.context, Fault::WithCode(Vector::kDf, 0));
  CHECK_EQ(f.state.cpl, 0);
  CHECK_EQ(f.state.gpr[kRsp], 0x38000 - 48);
  CHECK_EQ(f.state.Seg(SegReg::kSs).selector, 0);
  CHECK_EQ(f.Get<u64>(0x38000 - 48), 0);
}

TEST_CASE("deliver: virtual-8086 mode leaves its segments on the stack") {
  EventFixture f;
  f.EnterProtected(3);
  f.state.rflags |= kFlagVm;
  f.state.Seg(SegReg::kDs).selector = 0x1234;
  f.PutGate32(13, EventFixture::kCode0, 0x9000, 0x8e);
  DeliverFault(f.context, Fault::Gp());
  CHECK_EQ(f.state.cpl, 0);
  CHECK_EQ(f.state.rflags & kFlagVm, 0);
  CHECK_EQ(f.state.gpr[kRsp], 0x30000 - 40);
  CHECK_EQ(f.Get<u32>(0x30000 - 12), 0x1234);
  CHECK_EQ(f.state.Seg(SegReg::kDs).attributes, 0);
}

TEST_CASE("deliver: VME redirects INT n to the 8086 program, with VIF in the image") {
  EventFixture f;
  f.EnterProtected(3);
  f.state.cr4 |= kCr4Vme;
  f.state.rflags |= kFlagVm | kFlagVif;
  f.state.tr.limit = 0x200;
  f.Put<u16>(EventFixture::kTss + 0x66, 0x88);
  f.Put<u32>(4 * 0x21, 0x00400010);
  f.state.Seg(SegReg::kSs) = {0x20000, 0xffff, 0x2000, 0xf3};
  f.state.gpr[kRsp] = 0x100;
  CHECK_FALSE(SoftwareInterrupt(f.context, 0x21, SoftwareInterruptKind::kIntN, 0x12).raised);
  CHECK_EQ(f.state.rip, 0x10);
  CHECK_EQ(f.state.Seg(SegReg::kCs).base, 0x400);
  CHECK_EQ(f.Get<u16>(0x200fe), 0x3202);
  CHECK_EQ(f.state.rflags & kFlagVif, 0);
  CHECK((f.state.rflags & kFlagIf) != 0);
}

TEST_CASE("deliver: an instruction breakpoint matches its address unless RF is set") {
  EventFixture f;
  f.state.dr[2] = 0x4000;
  f.state.dr7 = 1u << 4;
  CHECK_EQ(InstructionBreakpoint(f.state, Gva(0x4000)), 4);
  CHECK_EQ(InstructionBreakpoint(f.state, Gva(0x4001)), 0);
  f.state.rflags |= kFlagRf;
  CHECK_EQ(InstructionBreakpoint(f.state, Gva(0x4000)), 0);
}

}  // namespace
}  // namespace tandem::cpu
