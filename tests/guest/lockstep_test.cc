#include <doctest/doctest.h>
#include <fcntl.h>

#include "tests/guest/emulator.h"
#include "tests/guest/guests.h"

// What -accel dbt,lockstep= does for users. tests/lockstep tries the accelerator itself.
namespace tandem::tests {
namespace {

bool LacksKvm() {
  const UniqueFd device(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  return !device.valid();
}

std::vector<std::string> RunRom(const std::string& accel, const std::string& rom) {
  return {"-accel",    accel,   "-m",      "16",
          "-display",  "none",  "-bios",   "tests/guest/roms/" + rom + ".bin",
          "-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"};
}

}  // namespace

TEST_CASE("lockstep: a ROM with x87, SSE and AVX, to its own end") {
  Emulator emulator(RunRom("dbt,lockstep=interp", "vectors"));
  CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
  CHECK_EQ(emulator.output(), "<V>");
  INFO(emulator.errors());
  CHECK(emulator.errors().find("dbt and interp agreed at ") != std::string::npos);
}

TEST_CASE("lockstep: the beginning of SeaBIOS") {
  Emulator emulator({"-accel", "dbt,lockstep=interp,lockstep-for=3000000", "-m", "32", "-display",
                     "none", "-serial", "none"});
  CHECK_EQ(emulator.WaitForExit(60s).value_or(-1), 0);
  INFO(emulator.errors());
  CHECK(emulator.errors().find("lockstep: 30") != std::string::npos);
}

TEST_CASE("lockstep: the beginning of Linux" * doctest::skip(Lacks({"vmlinuz-cloud"}))) {
  Emulator emulator({"-accel", "dbt,lockstep=interp,lockstep-for=20000000", "-m", "256", "-display",
                     "none", "-serial", "stdio", "-kernel", GuestFile("vmlinuz-cloud"), "-append",
                     "console=ttyS0 earlyprintk=ttyS0"});
  CHECK_EQ(emulator.WaitForExit(120s).value_or(-1), 0);
  INFO(emulator.errors());
  CHECK(emulator.output().find("Linux version") != std::string::npos);
  CHECK(emulator.errors().find("dbt and interp agreed at ") != std::string::npos);
}

TEST_CASE("lockstep: KVM follows a tiny ROM" * doctest::skip(LacksKvm())) {
  Emulator emulator(RunRom("dbt,lockstep=kvm", "debug_exit"));
  INFO(emulator.errors());
  CHECK_EQ(emulator.WaitForExit(60s).value_or(-1), 33);
  CHECK(emulator.errors().find("dbt and kvm agreed at ") != std::string::npos);
}

TEST_CASE("lockstep: what it cannot do is said with the option and the cure") {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"-accel", "dbt,lockstep=interp", "-smp", "2"}, "use -smp 1"},
      {{"-accel", "dbt,lockstep=qemu"}, "lockstep=qemu"},
      {{"-accel", "dbt,lockstep-for=5"}, "goes with lockstep=interp or lockstep=kvm"},
      {{"-accel", "dbt,jit=off,lockstep=interp"}, "leave out jit=off"},
      {{"-accel", "dbt,lockstep=interp", "-perfmap"}, "leave out -perfmap"},
  };
  for (const auto& [arguments, message] : cases) {
    CAPTURE(message);
    Emulator emulator(arguments);
    CHECK_EQ(emulator.WaitForExit(10s).value_or(-1), 1);
    INFO(emulator.errors());
    CHECK(emulator.errors().find(message) != std::string::npos);
  }
}

}  // namespace tandem::tests
