// Running, stopping, starting.
#include "tests/accel/rig.h"

namespace tandem::accel::tests {

ENGINE_TEST("a processor that is halted or runs can be paused and goes on where it stood") {
  Rig rig(engine, "count");
  const u32 wanted = IsKvm(engine) ? 30'000 : 10'000'000;
  rig.SetWord(Rig::kResult + 4, wanted);
  rig.Start();
  REQUIRE(rig.reports->WaitFor(1).starts_with("S"));
  for (int round = 0; round < 20; ++round) {
    rig.run.Pause();
    const cpu::CpuState first = rig.State();
    const u32 count = rig.Word(Rig::kResult);
    CHECK_EQ(rig.State().rip, first.rip);
    CHECK_LE(count - first.gpr[cpu::kRcx] + 1, 1u);
    rig.Start();
  }
  CHECK_EQ(rig.reports->WaitFor(2), "SG");
  rig.PauseWhenHalted();
  CHECK_EQ(rig.Word(Rig::kResult), wanted);
}

ENGINE_TEST("a kick makes Run return, also one that comes before") {
  Rig rig(engine, "startup");
  Vcpu& vcpu = rig.run.vcpu(0);
  vcpu.Kick();
  CHECK(std::holds_alternative<Kicked>(vcpu.Run()));
  CHECK_EQ(rig.State().rip, Rig::kStart);
}

ENGINE_TEST("devices see each access as it was made") {
  class Memory final : public devices::Device {
   public:
    std::array<std::byte, 16> bytes{};
    std::string ports;

   private:
    void DoRead(u64 offset, std::span<std::byte> data) override {
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), data.size(), data.begin());
    }
    void DoWrite(u64 offset, std::span<const std::byte> data) override {
      std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
      ports += static_cast<char>(data[0]);
    }
    void DoReset() override {}
  };
  Rig rig(engine, "device");
  const auto memory = std::make_shared<Memory>(), port = std::make_shared<Memory>();
  REQUIRE(rig.memory.MapIo(Gpa(0x50000), 16, memory).ok());
  REQUIRE(rig.ports.MapIo(Gpa(0x300), 4, port).ok());
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
  CHECK_EQ(memory->bytes[1], std::byte{0x12});
  CHECK_EQ(port->ports,
           "\x88"
           "abcd");
}

ENGINE_TEST("a triple fault shuts the processor down until it is reset") {
  Rig rig(engine, "triple_fault");
  for (const char* reports : {"T", "TT"}) {
    rig.Start();
    const std::optional<Exit> exit = rig.WaitForExit();
    REQUIRE(exit.has_value());
    CHECK(std::holds_alternative<ShutDown>(*exit));
    rig.run.Pause();
    CHECK_EQ(rig.reports->WaitFor(1), reports);
    rig.irqs->Reset();
    rig.SetState(rig.StartState());
  }
}

ENGINE_TEST("two machines in one process do not disturb each other") {
  Rig first(engine, "count"), second(engine, "count");
  first.SetWord(Rig::kResult + 4, 20'000);
  second.SetWord(Rig::kResult + 4, 10'000);
  first.Start();
  second.Start();
  CHECK_EQ(first.reports->WaitFor(2), "SG");
  CHECK_EQ(second.reports->WaitFor(2), "SG");
  CHECK_EQ(first.Word(Rig::kResult), 20'000);
  CHECK_EQ(second.Word(Rig::kResult), 10'000);
}

ENGINE_TEST("instructions that KVM cannot emulate are executed all the same") {
  Rig rig(engine, "vectors");
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
}

ENGINE_TEST("an instruction that does not exist faults in the guest") {
  Rig rig(engine, "undefined");
  rig.Start();
  CHECK_EQ(rig.reports->WaitFor(1), "G");
}

TEST_CASE("kvm: without fallback the instruction is named" * doctest::skip(!HasKvm())) {
  Rig rig(Engine::kKvm, "vectors", 1, /*has_fallback=*/false);
  rig.Start();
  const std::optional<Exit> exit = rig.WaitForExit();
  if (!exit) {
    // This KVM emulates them all, or runs them.
    CHECK_EQ(rig.reports->WaitFor(1), "G");
    return;
  }
  const auto* fatal = std::get_if<Fatal>(&*exit);
  REQUIRE(fatal != nullptr);
  CHECK(fatal->message.find("fallback=off") != std::string::npos);
  CHECK(fatal->message.find("rip 00000000000010") != std::string::npos);
  CHECK(fatal->message.find("cr0 ") != std::string::npos);
}

}  // namespace tandem::accel::tests
