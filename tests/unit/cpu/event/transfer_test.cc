#include "cpu/event/transfer.h"

#include <doctest/doctest.h>

#include "cpu/event/segment.h"
#include "tests/unit/cpu/event/fixture.h"

namespace tandem::cpu {
namespace {

template <typename T>
void PutStack(EventFixture& f, std::initializer_list<u64> values) {
  u64 at = f.state.gpr[kRsp];
  for (const u64 value : values) {
    f.Put<T>(at, static_cast<T>(value));
    at += sizeof(T);
  }
}

TEST_CASE("segment: loads check type, privilege and presence with the selector as error code") {
  EventFixture f;
  f.EnterProtected(0);
  f.PutDescriptor(EventFixture::kFree, 0x00cf92000000ffff);
  CHECK_FALSE(LoadSegment(f.context, SegReg::kDs, EventFixture::kFree).raised);
  CHECK_EQ(f.Get<u64>(EventFixture::kGdt + EventFixture::kFree), 0x00cf93000000ffff);
  const Fault absent = LoadSegment(f.context, SegReg::kEs, EventFixture::kAbsent);
  CHECK_EQ(absent.vector, Vector::kNp);
  CHECK_EQ(absent.error_code, EventFixture::kAbsent);
  CHECK_EQ(LoadSegment(f.context, SegReg::kSs, EventFixture::kAbsent).vector, Vector::kSs);
  CHECK_EQ(LoadSegment(f.context, SegReg::kSs, EventFixture::kCode0).error_code, 8);
  CHECK_EQ(LoadSegment(f.context, SegReg::kSs, 0).vector, Vector::kGp);
  CHECK_EQ(LoadSegment(f.context, SegReg::kDs, 0x104).error_code, 0x104);
  CHECK_FALSE(LoadSegment(f.context, SegReg::kDs, 3).raised);
  CHECK_EQ(CheckSegment(f.state, SegReg::kDs, 0, 1, AccessKind::kRead).vector, Vector::kGp);
}

TEST_CASE("segment: an expand-down segment is valid above its limit") {
  EventFixture f;
  f.EnterProtected(0);
  f.state.Seg(SegReg::kDs) = {0, 0xfff, 0x60, 0x4097};
  CHECK(CheckSegment(f.state, SegReg::kDs, 0xfff, 1, AccessKind::kRead).raised);
  CHECK_FALSE(CheckSegment(f.state, SegReg::kDs, 0x1000, 4, AccessKind::kRead).raised);
  CHECK(CheckSegment(f.state, SegReg::kDs, 0xfffffffe, 4, AccessKind::kRead).raised);
}

TEST_CASE("segment: LAR, LSL, VERR and VERW answer without faulting") {
  EventFixture f;
  f.EnterProtected(3);
  bool valid = true;
  u32 value = 0;
  CHECK_FALSE(ReadAccessRights(f.context, EventFixture::kCode0, valid, value).raised);
  CHECK_FALSE(valid);
  CHECK_FALSE(ReadSegmentLimit(f.context, EventFixture::kData3, valid, value).raised);
  CHECK(valid);
  CHECK_EQ(value, 0xffffffff);
  CHECK_FALSE(VerifySegment(f.context, EventFixture::kCode3, true, valid).raised);
  CHECK_FALSE(valid);
}

TEST_CASE("segment: LTR marks the TSS busy, and a busy one is #GP") {
  EventFixture f;
  f.EnterProtected(0);
  CHECK_FALSE(LoadTr(f.context, EventFixture::kTr2).raised);
  CHECK_EQ(f.Get<u8>(EventFixture::kGdt + EventFixture::kTr2 + 5), 0x8b);
  CHECK_EQ(LoadTr(f.context, EventFixture::kTr2).error_code, EventFixture::kTr2);
}

TEST_CASE("iret: to ring 3 loads SS:ESP and drops inner data segments") {
  EventFixture f;
  f.EnterProtected(0);
  PutStack<u32>(f, {0x7000, EventFixture::kCode3, 0x202, 0x28000, EventFixture::kData3});
  f.state.nmi_blocked = true;
  CHECK_FALSE(InterruptReturn(f.context, 4, 0x4001).raised);
  CHECK_EQ(f.state.cpl, 3);
  CHECK_EQ(f.state.rip, 0x7000);
  CHECK_EQ(f.state.gpr[kRsp], 0x28000);
  CHECK_EQ(f.state.Seg(SegReg::kDs).attributes, 0);
  CHECK_FALSE(f.state.nmi_blocked);
}

TEST_CASE("iret: ring 3 cannot change IOPL or IF") {
  EventFixture f;
  f.EnterProtected(3);
  PutStack<u32>(f, {0x7000, EventFixture::kCode3, 0x3002});
  CHECK_FALSE(InterruptReturn(f.context, 4, 0x4001).raised);
  CHECK_EQ(f.state.rflags, (kFlagFixed1 | kFlagIf));
}

TEST_CASE("iret: to virtual-8086 mode") {
  EventFixture f;
  f.EnterProtected(0);
  PutStack<u32>(f, {0x10, 0x400, 0x23202, 0x100, 0x2000, 1, 2, 3, 4});
  CHECK_FALSE(InterruptReturn(f.context, 4, 0x4001).raised);
  CHECK(f.state.InVirtual8086());
  CHECK_EQ(f.state.cpl, 3);
  CHECK_EQ(f.state.Seg(SegReg::kCs).base, 0x4000);
  CHECK_EQ(f.state.Seg(SegReg::kSs).base, 0x20000);
  CHECK_EQ(f.state.Seg(SegReg::kGs).base, 0x40);
}

TEST_CASE("iret: in 64-bit mode SS:RSP is always popped, and NT is #GP") {
  EventFixture f;
  f.EnterLong(0);
  PutStack<u64>(f, {0x7000, EventFixture::kCode64, 0x202, 0x21000, 0});
  CHECK_FALSE(InterruptReturn(f.context, 8, 0x4002).raised);
  CHECK_EQ(f.state.gpr[kRsp], 0x21000);
  f.state.rflags |= kFlagNt;
  CHECK_EQ(InterruptReturn(f.context, 8, 0x4002).vector, Vector::kGp);
}

TEST_CASE("iret: a fault changes nothing") {
  EventFixture f;
  f.EnterLong(0);
  PutStack<u64>(f, {u64{1} << 50, EventFixture::kCode64, 0x202, 0x21000, 0});
  CHECK_EQ(InterruptReturn(f.context, 8, 0x4002).vector, Vector::kGp);
  CHECK_EQ(f.state.gpr[kRsp], 0x20000);
  CHECK_EQ(f.state.rip, 0x4000);
}

TEST_CASE("far call: a call gate to ring 0 copies parameters; RETF n returns") {
  EventFixture f;
  f.EnterProtected(3);
  f.PutDescriptor(EventFixture::kFree, 0x0000ec0200086000);  // offset 0x6000, 2 parameters, DPL 3
  PutStack<u32>(f, {0xaaaa, 0xbbbb});
  REQUIRE_FALSE(FarCall(f.context, EventFixture::kFree | 3, 0, 4, 0x4007).raised);
  CHECK_EQ(f.state.cpl, 0);
  CHECK_EQ(f.state.rip, 0x6000);
  CHECK_EQ(f.state.gpr[kRsp], 0x30000 - 24);
  CHECK_EQ(f.Get<u32>(0x30000 - 24), 0x4007);
  CHECK_EQ(f.Get<u32>(0x30000 - 16), 0xaaaa);
  CHECK_EQ(f.Get<u32>(0x30000 - 12), 0xbbbb);
  REQUIRE_FALSE(FarReturn(f.context, 4, 8).raised);
  CHECK_EQ(f.state.cpl, 3);
  CHECK_EQ(f.state.rip, 0x4007);
  CHECK_EQ(f.state.gpr[kRsp], 0x20008);
}

TEST_CASE("far jump: from compatibility to 64-bit code, and never to inner levels") {
  EventFixture f;
  f.EnterLong(0);
  f.state.Seg(SegReg::kCs).attributes = 0xc09b;
  CHECK_FALSE(FarJump(f.context, EventFixture::kCode64, 0x7000, 4, 0x4007).raised);
  CHECK(f.state.In64BitMode());
  f.EnterProtected(3);
  CHECK_EQ(FarJump(f.context, EventFixture::kCode0, 0, 4, 0).error_code, EventFixture::kCode0);
}

TEST_CASE("task switch: a far call nests and IRET comes back") {
  EventFixture f;
  f.EnterProtected(0);
  const u64 tss = EventFixture::kTss2;
  f.Put<u32>(tss + 0x20, 0x9000);
  f.Put<u32>(tss + 0x24, 0x2);
  f.Put<u32>(tss + 0x28, 0x77);     // EAX
  f.Put<u32>(tss + 0x38, 0x2f000);  // ESP
  f.Put<u32>(tss + 0x4c, EventFixture::kCode0);
  f.Put<u32>(tss + 0x50, EventFixture::kData0);
  f.state.gpr[kRax] = 0x11;
  REQUIRE_FALSE(FarCall(f.context, EventFixture::kTr2, 0, 4, 0x4007).raised);
  CHECK_EQ(f.state.rip, 0x9000);
  CHECK_EQ(f.state.gpr[kRax], 0x77);
  CHECK_EQ(f.state.tr.selector, EventFixture::kTr2);
  CHECK((f.state.rflags & kFlagNt) != 0);
  CHECK((f.state.cr0 & kCr0Ts) != 0);
  CHECK_EQ(f.Get<u16>(tss), EventFixture::kTr);
  CHECK_EQ(f.Get<u32>(EventFixture::kTss + 0x20), 0x4007);
  REQUIRE_FALSE(InterruptReturn(f.context, 4, 0x9001).raised);
  CHECK_EQ(f.state.rip, 0x4007);
  CHECK_EQ(f.state.gpr[kRax], 0x11);
  CHECK_EQ(f.state.rflags & kFlagNt, 0);
  CHECK_EQ(f.Get<u8>(EventFixture::kGdt + EventFixture::kTr2 + 5), 0x89);
  CHECK_EQ(f.Get<u32>(tss + 0x20), 0x9001);
}

TEST_CASE("task switch: a short TSS is #TS, a busy one #GP, and nothing changes") {
  EventFixture f;
  f.EnterProtected(0);
  f.PutDescriptor(EventFixture::kTr2, 0x0000890130000066);
  CHECK_EQ(FarJump(f.context, EventFixture::kTr2, 0, 4, 0).vector, Vector::kTs);
  CHECK_EQ(FarJump(f.context, EventFixture::kTr, 0, 4, 0).vector, Vector::kGp);
  CHECK_EQ(f.state.tr.selector, EventFixture::kTr);
}

TEST_CASE("syscall and sysret change privilege without memory") {
  EventFixture f;
  f.EnterLong(3);
  CHECK_EQ(SysCall(f.context, 0x4002).vector, Vector::kUd);
  f.state.msr.efer |= kEferSce;
  f.state.msr.star = u64{0x0013000800000000};
  f.state.msr.lstar = 0xffffffff81000000;
  f.state.msr.sfmask = kFlagIf;
  CHECK_FALSE(SysCall(f.context, 0x4002).raised);
  CHECK_EQ(f.state.cpl, 0);
  CHECK_EQ(f.state.rip, 0xffffffff81000000);
  CHECK_EQ(f.state.gpr[kRcx], 0x4002);
  CHECK_EQ(f.state.rflags & kFlagIf, 0);
  CHECK_FALSE(SysReturn(f.context, 8).raised);
  CHECK_EQ(f.state.cpl, 3);
  CHECK_EQ(f.state.Seg(SegReg::kCs).selector, 0x23);
  CHECK((f.state.rflags & kFlagIf) != 0);
}

TEST_CASE("sysret: a non-canonical RCX faults at CPL 0 on Intel only") {
  EventFixture f;
  f.EnterLong(0);
  f.state.msr.efer |= kEferSce;
  f.state.gpr[kRcx] = u64{1} << 55;
  CHECK_EQ(SysReturn(f.context, 8).vector, Vector::kGp);
  f.model.vendor = "AuthenticAMD";
  CHECK_FALSE(SysReturn(f.context, 8).raised);
}

}  // namespace
}  // namespace tandem::cpu
