#include <algorithm>

#include "base/bits.h"
#include "tests/rows/machine.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

constexpr u64 kCode = kLongLayout.code;
constexpr u64 kData = kLongLayout.data;

void PutAt(Machine& machine, u64 address, std::initializer_list<u8> bytes) {
  std::transform(bytes.begin(), bytes.end(), machine.At(address),
                 [](u8 byte) { return static_cast<std::byte>(byte); });
}

TEST_CASE("flow: a store over the next instruction of its block is seen at once") {
  Machine machine(MachineMode::kLong);
  // mov byte [rdi], 0x43 (REX.XB); nop; inc eax: "inc eax" becomes "inc r8d" by its REX byte.
  PutAt(machine, kCode, {0xc6, 0x07, 0x41, 0x90, 0x40, 0xff, 0xc0, 0xeb, 0xfe});
  machine.state().gpr[kRdi] = kCode + 4;
  machine.state().gpr[kRax] = machine.state().gpr[kR8] = 0;
  CHECK(!machine.Run(20));
  CHECK_EQ(machine.state().gpr[kRax], 0);
  CHECK_EQ(machine.state().gpr[kR8], 1);
}

TEST_CASE("flow: REP STOSB over the code behind it is seen at once") {
  Machine machine(MachineMode::kLong);
  PutAt(machine, kCode, {0xf3, 0xaa, 0xff, 0xc3, 0xff, 0xc3, 0xeb, 0xfe});  // inc ebx; inc ebx
  machine.state().gpr[kRdi] = kCode + 2;
  machine.state().gpr[kRcx] = 4;
  machine.state().gpr[kRax] = 0x90;
  machine.state().gpr[kRbx] = 0;
  CHECK(!machine.Run(20));
  CHECK_EQ(machine.state().gpr[kRbx], 0);
}

TEST_CASE("flow: code that others overwrite is decoded again when it is entered") {
  Machine machine(MachineMode::kLong);
  for (const u8 modrm : {0xc0, 0xc1}) {  // inc eax, inc ecx; jmp $
    PutAt(machine, kCode, {0xff, modrm, 0xeb, 0xfe});
    machine.Reset();
    CHECK(!machine.Run(2));
  }
  CHECK_EQ(machine.state().gpr[kRax], 0);
  CHECK_EQ(machine.state().gpr[kRcx], 1);
}

TEST_CASE("flow: no instruction becomes one by its second byte") {
  Machine machine(MachineMode::kLong);
  PutAt(machine, kCode, {0x0f, 0x04, 0xc0, 0xeb, 0xfe});
  const auto exception = machine.Run(2);
  REQUIRE(exception);
  CHECK_EQ(exception->vector, 6);
  PutAt(machine, kCode, {0x0f, 0x9f});  // setg al
  machine.Reset();
  CHECK(!machine.Run(1));
  CHECK_EQ(machine.state().gpr[kRax], 1);
}

TEST_CASE("flow: an instruction across two pages is fetched from both, and watched on both") {
  Machine machine(MachineMode::kLong);
  const u64 start = kCode + kPageSize - 2;
  for (const u8 value : {0x11, 0x22}) {
    PutAt(machine, start, {0xb8, 0x00, value, 0x00, 0x00, 0xeb, 0xfe});  // mov eax, value << 8
    machine.Reset();
    machine.state().rip = start;
    CHECK(!machine.Run(5));
    CHECK_EQ(machine.state().gpr[kRax], u64{value} << 8);
  }
}

TEST_CASE("flow: a fetch into an absent page faults with the address of that page") {
  Machine machine(MachineMode::kLong);
  const u64 start = kCode + 2 * kPageSize - 2;
  PutAt(machine, start, {0xb8, 0x00});
  machine.state().rip = start;
  const auto exception = machine.Run(1);
  REQUIRE(exception);
  CHECK_EQ(exception->vector, 14);
  CHECK_EQ(exception->error_code, 0x14);
  CHECK_EQ(exception->rip, start);
  CHECK_EQ(machine.state().cr2, kCode + 2 * kPageSize);
}

TEST_CASE("flow: only instructions that need the next page fault for it") {
  Machine machine(MachineMode::kLong);
  const u64 start = kCode + 2 * kPageSize - 4;
  PutAt(machine, start, {0xff, 0xc0, 0xeb, 0xfe});  // inc eax; jmp $
  machine.state().rip = start;
  CHECK(!machine.Run(10));
  CHECK_EQ(machine.state().gpr[kRax], 1);
}

// Reads as `inc eax; jmp $`, with a count of fetches.
class CodeDevice final : public devices::Device {
 public:
  u8 first = 0x40;

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override {
    const u8 code[] = {first, 0xeb, 0xfe};
    for (size_t i = 0; i < data.size(); ++i) {
      const u64 at = offset + i;
      data[i] = static_cast<std::byte>(at < 3 ? code[at] : 0);
    }
  }
  void DoWrite(u64, std::span<const std::byte>) override {}
  void DoReset() override {}
};

TEST_CASE("flow: code in device memory runs and is read afresh") {
  constexpr u64 kDeviceAt = 0x20000000;
  Machine machine(MachineMode::kProtected32);
  const auto device = std::make_shared<CodeDevice>();
  REQUIRE(machine.memory().MapIo(Gpa(kDeviceAt), 0x1000, device).ok());
  machine.interpreter().mmu().ServeFlushRequest();
  for (const u8 opcode : {0x40, 0x41}) {  // inc eax, inc ecx
    device->first = opcode;
    machine.Reset();
    machine.state().rip = kDeviceAt;
    CHECK(!machine.Run(5));
  }
  CHECK_EQ(machine.state().gpr[kRax], 0);
  CHECK_EQ(machine.state().gpr[kRcx], 1);
}

TEST_CASE("step: TF traps after an instruction with BS in DR6") {
  Machine machine(MachineMode::kLong);
  PutAt(machine, kCode, {0xff, 0xc0, 0xff, 0xc0});
  machine.state().rflags |= kFlagTf;
  const auto exception = machine.Run(5);
  REQUIRE(exception);
  CHECK_EQ(exception->vector, 1);
  CHECK_EQ(exception->rip, kCode + 2);
  CHECK_EQ(machine.state().gpr[kRax], 1);
  CHECK((machine.state().dr6 & 0x4000) != 0);
}

TEST_CASE("step: TF traps after each iteration of REP") {
  Machine machine(MachineMode::kLong);
  PutAt(machine, kCode, {0xf3, 0xaa});
  machine.state().rflags |= kFlagTf;
  machine.state().gpr[kRdi] = kData;
  machine.state().gpr[kRcx] = 3;
  const auto exception = machine.Run(5);
  REQUIRE(exception);
  CHECK_EQ(exception->rip, kCode);
  CHECK_EQ(machine.state().gpr[kRcx], 2);
}

TEST_CASE("step: INT n enters its handler without a trap, TF in the saved flags") {
  Machine machine(MachineMode::kLong);
  PutAt(machine, kCode, {0xcd, 0x30});
  machine.state().rflags |= kFlagTf;
  const auto exception = machine.Run(2);
  REQUIRE(exception);
  CHECK_EQ(exception->vector, 0x30);
  CHECK((exception->rflags & kFlagTf) != 0);
  CHECK_EQ(machine.state().dr6 & 0x4000, 0);
}

TEST_CASE("step: no trap between MOV SS and the next instruction") {
  Machine machine(MachineMode::kLong);
  machine.SetPrivilege(0);
  PutAt(machine, kCode, {0x8e, 0xd0, 0xff, 0xc1, 0x90});  // mov ss, ax; inc ecx; nop
  machine.state().rflags |= kFlagTf;
  machine.state().gpr[kRax] = 0x10;
  const auto exception = machine.Run(5);
  REQUIRE(exception);
  CHECK_EQ(exception->rip, kCode + 4);
  CHECK_EQ(machine.state().gpr[kRcx], 1);
}

TEST_CASE("shadow: with an interrupt wanted, STI lets one more instruction run") {
  Machine machine(MachineMode::kLong);
  machine.SetPrivilege(0);
  PutAt(machine, kCode, {0xfb, 0xff, 0xc0, 0xff, 0xc0});  // sti; inc eax; inc eax
  machine.interpreter().StateChanged();
  machine.interpreter().SetWindowWanted(true);
  const std::atomic<u32> attention{0};
  CHECK_EQ(machine.interpreter().Run(100, attention), 2);
  CHECK_EQ(machine.state().gpr[kRax], 1);
  CHECK_EQ(machine.state().rip, kCode + 3);
}

TEST_CASE("shadow: attention waits for the instruction after MOV SS") {
  Machine machine(MachineMode::kLong);
  machine.SetPrivilege(0);
  PutAt(machine, kCode, {0x8e, 0xd0, 0xff, 0xc1, 0xff, 0xc1});
  machine.state().gpr[kRax] = 0x10;
  machine.state().mov_ss_shadow = true;
  machine.interpreter().StateChanged();
  const std::atomic<u32> attention{1};
  CHECK_EQ(machine.interpreter().Run(100, attention), 2);
  CHECK_EQ(machine.state().rip, kCode + 4);
}

TEST_CASE("alignment: CR0.AM and EFLAGS.AC make a misaligned user access #AC") {
  Machine machine(MachineMode::kLong);
  PutAt(machine, kCode, {0x8b, 0x07});  // mov eax, [rdi]
  machine.state().cr0 |= kCr0Am;
  machine.state().rflags |= kFlagAc;
  machine.state().gpr[kRdi] = kData + 1;
  const auto exception = machine.Run(1);
  REQUIRE(exception);
  CHECK_EQ(exception->vector, 17);
}

}  // namespace
}  // namespace tandem::cpu
