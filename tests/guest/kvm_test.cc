#include <doctest/doctest.h>
#include <fcntl.h>

#include "tests/guest/emulator.h"

// What -accel kvm does for users. tests/accel tries the accelerator itself.
namespace tandem::tests {
namespace {

bool LacksKvm() {
  const UniqueFd device(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!device.valid()) {
    std::fprintf(stderr, "skipped: /dev/kvm cannot be opened\n");
  }
  return !device.valid();
}

std::vector<std::string> RunVectors(const std::string& accel) {
  return {"-accel",    accel,   "-m",      "16",
          "-display",  "none",  "-bios",   "tests/guest/roms/vectors.bin",
          "-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"};
}

}  // namespace

TEST_CASE("kvm: SeaBIOS finds no bootable device, wherever the interrupt controllers are" *
          doctest::skip(LacksKvm())) {
  for (const char* mode : {"on", "off"}) {
    CAPTURE(mode);
    Emulator emulator({"-accel", "kvm", "-machine",
                       std::string("graphics=off,kernel-irqchip=") + mode, "-m", "32", "-display",
                       "none", "-serial", "stdio"});
    const bool is_at_end = emulator.WaitFor("No bootable device", 60s);
    INFO(emulator.Tail());
    CHECK(is_at_end);
  }
}

TEST_CASE("kvm: x87, SSE2 and AVX compute what they should, whoever executes them" *
          doctest::skip(LacksKvm())) {
  for (const char* accel : {"kvm", "kvm,kernel-irqchip=off", "dbt", "kvm:dbt"}) {
    CAPTURE(accel);
    Emulator emulator(RunVectors(accel));
    CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
    CHECK_EQ(emulator.output(), "<V>");
  }
}

TEST_CASE("kvm: -accel auto says which accelerator it took, and a list the one behind" *
          doctest::skip(LacksKvm())) {
  Emulator chosen(RunVectors("auto"));
  CHECK_EQ(chosen.WaitForExit(30s).value_or(-1), 33);
  CHECK(chosen.errors().starts_with("tandem: accelerator "));
  std::vector<std::string> counted = RunVectors("kvm:dbt");
  counted.insert(counted.end(), {"-icount", "shift=0"});
  Emulator fallen_back(counted);
  CHECK_EQ(fallen_back.WaitForExit(30s).value_or(-1), 33);
  CHECK(fallen_back.errors().find("-icount") != std::string::npos);
}

}  // namespace tandem::tests
