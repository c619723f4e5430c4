#include "cpu/event/system.h"

#include <doctest/doctest.h>

#include "cpu/event/xsave.h"
#include "tests/unit/cpu/event/fixture.h"

namespace tandem::cpu {
namespace {

TEST_CASE("control: inconsistent CR0 values are #GP") {
  EventFixture f;
  CHECK(WriteControl(f.context, 0, kCr0Pg).raised);
  CHECK(WriteControl(f.context, 0, kCr0Nw).raised);
  CHECK(WriteControl(f.context, 0, u64{1} << 32).raised);
  CHECK_EQ(WriteControl(f.context, 1, 0).vector, Vector::kUd);
  CHECK_FALSE(WriteControl(f.context, 0, kCr0Pe).raised);
  CHECK_EQ(f.state.cr0, (kCr0Pe | kCr0Et));
}

TEST_CASE("control: paging with EFER.LME turns long mode on, and needs PAE") {
  EventFixture f;
  f.EnterProtected(0);
  REQUIRE_FALSE(WriteMsr(f.context, 0xc0000080, kEferLme).raised);
  CHECK(WriteControl(f.context, 0, kCr0Pe | kCr0Pg).raised);
  REQUIRE_FALSE(WriteControl(f.context, 4, kCr4Pae).raised);
  REQUIRE_FALSE(WriteControl(f.context, 0, kCr0Pe | kCr0Pg).raised);
  CHECK(f.state.InLongMode());
  CHECK(WriteControl(f.context, 4, 0).raised);
  CHECK(WriteMsr(f.context, 0xc0000080, 0).raised);
  REQUIRE_FALSE(WriteControl(f.context, 0, kCr0Pe).raised);
  CHECK_FALSE(f.state.InLongMode());
}

TEST_CASE("control: CR4 bits without their feature and PCIDE outside long mode are #GP") {
  EventFixture f;
  CHECK(WriteControl(f.context, 4, kCr4Pcide).raised);
  CHECK(WriteControl(f.context, 4, u64{1} << 31).raised);
  f.model.features.reset(static_cast<size_t>(Feature::kSmap));
  CHECK(WriteControl(f.context, 4, kCr4Smap).raised);
}

TEST_CASE("control: LMSW sets PE but does not clear it") {
  EventFixture f;
  CHECK_FALSE(LoadMachineStatus(f.context, 1).raised);
  CHECK_FALSE(LoadMachineStatus(f.context, 0).raised);
  CHECK((f.state.cr0 & kCr0Pe) != 0);
}

TEST_CASE("control: ring 3 reads and writes nothing") {
  EventFixture f;
  f.EnterProtected(3);
  u64 value = 0;
  CHECK_EQ(ReadControl(f.context, 0, value).vector, Vector::kGp);
  CHECK_EQ(ReadDebug(f.context, 0, value).vector, Vector::kGp);
  CHECK_EQ(ReadMsr(f.context, 0x10, value).vector, Vector::kGp);
}

TEST_CASE("debug registers: GD traps the access, DE removes the aliases") {
  EventFixture f;
  u64 value = 0;
  CHECK_FALSE(WriteDebug(f.context, 4, ~u64{0} >> 32).raised);
  CHECK_EQ(f.state.dr6, 0xffffeffful);
  CHECK_FALSE(WriteDebug(f.context, 7, 0x2000).raised);
  CHECK_EQ(f.state.dr7, 0x2400);
  const Fault fault = ReadDebug(f.context, 0, value);
  CHECK_EQ(fault.vector, Vector::kDb);
  CHECK_EQ(fault.address, 0x2000);
  f.state.dr7 = 0x400;
  f.state.cr4 |= kCr4De;
  CHECK_EQ(ReadDebug(f.context, 4, value).vector, Vector::kUd);
}

TEST_CASE("msr: a write of the TSC moves TSC_ADJUST, and the other way round") {
  EventFixture f;
  f.clock.Advance(1000);
  CHECK_FALSE(WriteMsr(f.context, 0x10, 5000).raised);
  CHECK_EQ(ReadTsc(f.context), 5000);
  u64 adjust = 0;
  CHECK_FALSE(ReadMsr(f.context, 0x3b, adjust).raised);
  CHECK_EQ(adjust, 4000);
  CHECK_FALSE(WriteMsr(f.context, 0x3b, 0).raised);
  CHECK_EQ(ReadTsc(f.context), 1000);
}

TEST_CASE("msr: values are checked and unknown numbers are #GP") {
  EventFixture f;
  u64 value = 0;
  CHECK_EQ(ReadMsr(f.context, 0x12345678, value).vector, Vector::kGp);
  CHECK(WriteMsr(f.context, 0xc0000082, u64{1} << 60).raised);
  CHECK(WriteMsr(f.context, 0x277, 2).raised);
  CHECK(WriteMsr(f.context, 0x2ff, 0x1000).raised);
  CHECK(WriteMsr(f.context, 0x200, 2).raised);
  CHECK(WriteMsr(f.context, 0x401, 1).raised);
  CHECK(WriteMsr(f.context, 0xfe, 0).raised);
  CHECK_FALSE(WriteMsr(f.context, 0x26f, 0x0606060606060606).raised);
  CHECK_FALSE(ReadMsr(f.context, 0x26f, value).raised);
  CHECK_EQ(value, 0x0606060606060606);
}

TEST_CASE("msr: FS and GS bases are the segments' bases") {
  EventFixture f;
  CHECK_FALSE(WriteMsr(f.context, 0xc0000101, 0xffff888000000000).raised);
  CHECK_EQ(f.state.Seg(SegReg::kGs).base, 0xffff888000000000);
}

TEST_CASE("ports: the bitmap decides above IOPL") {
  EventFixture f;
  f.EnterProtected(3);
  f.state.tr.limit = 0x200;
  f.Put<u16>(EventFixture::kTss + 0x66, 0x68);
  f.Put<u8>(EventFixture::kTss + 0x68 + 8, 0x02);  // port 0x41
  CHECK_FALSE(CheckPortAccess(f.context, 0x40, 1).raised);
  CHECK(CheckPortAccess(f.context, 0x40, 2).raised);
  CHECK(CheckPortAccess(f.context, 0xffff, 1).raised);
  f.state.rflags |= kFlagIopl;
  CHECK_FALSE(CheckPortAccess(f.context, 0x40, 2).raised);
}

TEST_CASE("flags: PVI gives ring 3 a virtual interrupt flag") {
  EventFixture f;
  f.EnterProtected(3);
  CHECK(ClearInterruptFlag(f.context).raised);
  f.state.cr4 |= kCr4Pvi;
  CHECK_FALSE(SetInterruptFlag(f.context).raised);
  CHECK((f.state.rflags & kFlagVif) != 0);
  f.state.rflags |= kFlagVip;
  CHECK(SetInterruptFlag(f.context).raised);
}

TEST_CASE("flags: POPF changes IF only with IOPL, STI casts a shadow once") {
  EventFixture f;
  f.EnterProtected(3);
  CHECK_FALSE(PopFlagsImage(f.context, 4, 0x40003001).raised);
  CHECK_EQ(f.state.rflags, (kFlagCf | kFlagFixed1 | kFlagIf));
  f.EnterProtected(0);
  CHECK_FALSE(SetInterruptFlag(f.context).raised);
  CHECK_FALSE(f.state.sti_shadow);
  CHECK_FALSE(ClearInterruptFlag(f.context).raised);
  CHECK_FALSE(SetInterruptFlag(f.context).raised);
  CHECK(f.state.sti_shadow);
}

TEST_CASE("cpuid: vendor, dynamic bits and XSAVE sizes") {
  EventFixture f;
  CHECK_EQ(Cpuid(f.context, 0, 0).ebx, 0x756e6547);  // "Genu"
  CHECK_EQ(Cpuid(f.context, 1, 0).ecx >> 27 & 1, 0);
  f.state.cr4 |= kCr4Osxsave;
  CHECK_EQ(Cpuid(f.context, 1, 0).ecx >> 27 & 1, 1);
  CHECK_EQ(Cpuid(f.context, 0xd, 0).ebx, 576);
  CHECK_FALSE(SetExtendedControl(f.context, 0, 7).raised);
  CHECK_EQ(Cpuid(f.context, 0xd, 0).ebx, 832);
  CHECK_EQ(Cpuid(f.context, 0xd, 0).ecx, 2696);
  CHECK_EQ(Cpuid(f.context, 0xd, 2).ebx, 576);
  CHECK_EQ(Cpuid(f.context, 0x80000008, 0).eax & 0xff, 40);
}

TEST_CASE("cpuid: the components of AVX-512 lie where Intel's processors have them") {
  EventFixture f;
  constexpr u32 kLayout[][3] = {{5, 64, 1088}, {6, 512, 1152}, {7, 1024, 1664}};
  for (const auto& [subleaf, size, offset] : kLayout) {
    CHECK_EQ(Cpuid(f.context, 0xd, subleaf).eax, size);
    CHECK_EQ(Cpuid(f.context, 0xd, subleaf).ebx, offset);
  }
  f.state.cr4 |= kCr4Osxsave;
  REQUIRE_FALSE(SetExtendedControl(f.context, 0, 0xe7).raised);
  CHECK_EQ(Cpuid(f.context, 0xd, 0).ebx, 2688);
  f.model.features.reset(static_cast<size_t>(Feature::kAvx512f));
  CHECK_EQ(Cpuid(f.context, 0xd, 5).eax, 0);
  CHECK(SetExtendedControl(f.context, 0, 0xe7).raised);
}

TEST_CASE("cpuid: leaf 7 has a subleaf 1 where it says something") {
  EventFixture f;
  CHECK_EQ(Cpuid(f.context, 7, 0).eax, 1);
  CHECK_EQ(Cpuid(f.context, 7, 1).eax >> 4 & 3, 3);
  f.model.features.reset(static_cast<size_t>(Feature::kAvxVnni));
  f.model.features.reset(static_cast<size_t>(Feature::kAvx512bf16));
  CHECK_EQ(Cpuid(f.context, 7, 0).eax, 0);
}

TEST_CASE("xcr0: AVX without SSE and partial AVX-512 are #GP") {
  EventFixture f;
  CHECK_EQ(SetExtendedControl(f.context, 0, 7).vector, Vector::kUd);
  f.state.cr4 |= kCr4Osxsave;
  for (const u64 bad : {0ull, 2ull, 5ull, 0x27ull, 0xe3ull, 0x1full}) {
    CAPTURE(bad);
    CHECK(SetExtendedControl(f.context, 0, bad).raised);
  }
  CHECK_FALSE(SetExtendedControl(f.context, 0, 0x2e7).raised);
}

struct XsaveFixture : EventFixture {
  XsaveFixture() {
    EnterLong(0);
    state.cr4 |= kCr4Osxsave;
    state.xcr0 = 0x2e7;
    for (u32 i = 0; i < 32; ++i) {
      std::memset(state.vec.zmm[i], static_cast<int>(i + 1), 64);
    }
    state.vec.k[3] = 0x1234;
    state.pkru = 0x55;
    state.fx.mxcsr = 0x1fa0;
    state.fx.fcw = 0x37f;
    state.fx.st[2][4] = 0x99;
  }
};

TEST_CASE("xsave: every format brings the state back") {
  for (const XsaveVariant variant : {XsaveVariant::kXsave, XsaveVariant::kXsaveOpt,
                                     XsaveVariant::kXsaveC, XsaveVariant::kXsaveS}) {
    XsaveFixture f;
    const CpuState before = f.state;
    REQUIRE_FALSE(Xsave(f.context, Gva(0x80000), true, variant, ~u64{0}).raised);
    f.state.vec = {};
    f.state.fx = {};
    f.state.pkru = 0;
    REQUIRE_FALSE(
        Xrestore(f.context, Gva(0x80000), true, variant == XsaveVariant::kXsaveS, ~u64{0}).raised);
    CHECK_EQ(std::memcmp(&f.state.vec, &before.vec, sizeof(VectorState)), 0);
    CHECK_EQ(std::memcmp(f.state.fx.st, before.fx.st, sizeof(before.fx.st)), 0);
    CHECK_EQ(f.state.fx.mxcsr, 0x1fa0);
    CHECK_EQ(f.state.pkru, 0x55);
  }
}

TEST_CASE("xsave: components in their initial state are marked so and restored to it") {
  XsaveFixture f;
  f.state.vec = {};
  f.state.fx.mxcsr = 0x1f80;
  REQUIRE_FALSE(Xsave(f.context, Gva(0x80000), true, XsaveVariant::kXsaveC, ~u64{0}).raised);
  CHECK_EQ(f.Get<u64>(0x80200), 0x201);
  CHECK_EQ(f.Get<u64>(0x80208), (u64{1} << 63 | 0x2e7));
  f.state.vec.zmm[3][20] = 1;
  REQUIRE_FALSE(Xrestore(f.context, Gva(0x80000), true, false, 4).raised);
  CHECK_EQ(f.state.vec.zmm[3][20], 0);
}

TEST_CASE("xrstor: bad headers, addresses and MXCSR values are #GP and change nothing") {
  XsaveFixture f;
  REQUIRE_FALSE(Xsave(f.context, Gva(0x80000), true, XsaveVariant::kXsave, ~u64{0}).raised);
  CHECK(Xrestore(f.context, Gva(0x80020), true, false, ~u64{0}).raised);
  f.Put<u32>(0x80018, 0x10000);
  f.Put<u8>(0x800a0, 0xee);
  CHECK(Xrestore(f.context, Gva(0x80000), true, false, ~u64{0}).raised);
  CHECK_EQ(f.state.vec.zmm[0][0], 1);
  f.Put<u32>(0x80018, 0x1f80);
  f.Put<u64>(0x80208, 1);
  CHECK(Xrestore(f.context, Gva(0x80000), true, false, ~u64{0}).raised);
  f.state.cr0 |= kCr0Ts;
  CHECK_EQ(Xrestore(f.context, Gva(0x80000), true, false, 1).vector, Vector::kNm);
}

TEST_CASE("fxsave: brings x87, MXCSR and XMM back, and leaves bytes 464-511 alone") {
  XsaveFixture f;
  f.Put<u64>(0x801f8, 0x1122334455667788);
  REQUIRE_FALSE(FxSave(f.context, Gva(0x80000), true).raised);
  f.state.vec = {};
  f.state.fx = {};
  REQUIRE_FALSE(FxRestore(f.context, Gva(0x80000), true).raised);
  CHECK_EQ(f.state.vec.zmm[15][15], 16);
  CHECK_EQ(f.state.fx.st[2][4], 0x99);
  CHECK_EQ(f.state.fx.mxcsr, 0x1fa0);
  CHECK_EQ(f.Get<u64>(0x801f8), 0x1122334455667788);
  CHECK(FxSave(f.context, Gva(0x80008), true).raised);
}

}  // namespace
}  // namespace tandem::cpu
