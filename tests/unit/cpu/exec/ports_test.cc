#include "base/bits.h"
#include "tests/rows/machine.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

constexpr u64 kCode = kLowLayout.code;
constexpr u64 kData = kLowLayout.data;

// Counts up at each read; keeps what was written.
class CounterPort final : public devices::Device {
 public:
  u8 next = 1;
  std::vector<u64> written;

 private:
  void DoRead(u64, std::span<std::byte> data) override { devices::SetAccessValue(data, next++); }
  void DoWrite(u64, std::span<const std::byte> data) override {
    written.push_back(devices::AccessValue(data));
  }
  void DoReset() override {}
};

struct PortBench {
  PortBench() {
    (void)machine.ports().MapIo(Gpa(0x80), 4, port).ok();
    machine.state().gpr[kRdx] = 0x80;
  }
  std::optional<Machine::Exception> Run(std::initializer_list<u8> code, u64 count) {
    const std::vector<u8> bytes(code);
    machine.PutCode(bytes);
    return machine.Run(count);
  }
  Machine machine{MachineMode::kProtected32};
  std::shared_ptr<CounterPort> port = std::make_shared<CounterPort>();
};

TEST_CASE("ports: REP INSB fills memory from the port") {
  PortBench bench;
  bench.machine.state().gpr[kRdi] = kData;
  bench.machine.state().gpr[kRcx] = 3;
  CHECK(!bench.Run({0xf3, 0x6c}, 1));
  CHECK_EQ(LoadLe<u32>(bench.machine.At(kData)), 0x030201);
  CHECK_EQ(bench.machine.state().gpr[kRdi], kData + 3);
  CHECK_EQ(bench.machine.state().gpr[kRcx], 0);
}

TEST_CASE("ports: REP OUTSW writes in order, downwards with DF") {
  PortBench bench;
  StoreLe<u32>(bench.machine.At(kData), 0x22221111);
  bench.machine.state().gpr[kRsi] = kData + 2;
  bench.machine.state().gpr[kRcx] = 2;
  bench.machine.state().rflags |= kFlagDf;
  CHECK(!bench.Run({0x66, 0xf3, 0x6f}, 1));
  CHECK_EQ(bench.port->written, std::vector<u64>{0x2222, 0x1111});
  CHECK_EQ(bench.machine.state().gpr[kRsi], kData - 2);
}

TEST_CASE("ports: INS whose destination faults does not read the port") {
  PortBench bench;
  bench.machine.state().Seg(SegReg::kEs).limit = 0xfff;
  bench.machine.state().gpr[kRdi] = kData;
  const auto exception = bench.Run({0x6c}, 1);
  REQUIRE(exception);
  CHECK_EQ(exception->vector, 13);
  CHECK_EQ(bench.port->next, 1);
}

TEST_CASE("ports: OUTS takes a segment override") {
  PortBench bench;
  bench.machine.state().Seg(SegReg::kFs).base = 0x100;
  *bench.machine.At(kData + 0x100) = std::byte{0x77};
  bench.machine.state().gpr[kRsi] = kData;
  CHECK(!bench.Run({0x64, 0x6e}, 1));
  CHECK_EQ(bench.port->written, std::vector<u64>{0x77});
}

TEST_CASE("ports: IN with an operand prefix reads 16 bits and keeps the rest") {
  PortBench bench;
  bench.machine.state().gpr[kRax] = 0xaaaaaaaa;
  CHECK(!bench.Run({0x66, 0xe5, 0x80}, 1));
  CHECK_EQ(bench.machine.state().gpr[kRax], 0xaaaa0001);
}

TEST_CASE("exchange: CMPXCHG8B on device memory reads and writes it") {
  PortBench bench;
  REQUIRE(bench.machine.memory().MapIo(Gpa(0x20000000), 16, bench.port).ok());
  bench.machine.interpreter().mmu().ServeFlushRequest();
  CpuState& state = bench.machine.state();
  state.gpr[kRdi] = 0x20000000;
  state.gpr[kRax] = 1;
  state.gpr[kRdx] = 0;
  state.gpr[kRbx] = 0x55;
  CHECK(!bench.Run({0xf0, 0x0f, 0xc7, 0x0f}, 1));
  REQUIRE(!bench.port->written.empty());
  CHECK_EQ(bench.port->written[0] & 0xff, 0x55);
  CHECK((state.rflags & kFlagZf) != 0);
}

}  // namespace
}  // namespace tandem::cpu
