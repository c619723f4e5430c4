#include <doctest/doctest.h>

#include "tests/guest/emulator.h"

namespace tandem::tests {
namespace {

// A ROM of roms/rom.asm, which prints "<R>" on the debug console each time it is entered.
std::vector<std::string> RunRom(const std::string& name,
                                const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "-m",        "16",    "-display", "none",
      "-debugcon", "stdio", "-bios",    "tests/guest/roms/" + name + ".bin"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("rom: a raw 64 KiB image is entered at the reset vector") {
  Emulator emulator(RunRom("halt"));
  CHECK(emulator.WaitFor("<R>", 30s));
  CHECK_EQ(emulator.WaitForExit(1s), std::nullopt);
}

TEST_CASE("rom: each way to reset ends the emulator with -no-reboot") {
  for (const char* name : {"triple_fault", "keyboard_reset", "cf9_reset"}) {
    CAPTURE(name);
    Emulator emulator(RunRom(name, {"-no-reboot"}));
    const std::optional<int> status = emulator.WaitForExit(30s);
    INFO(emulator.Tail());
    CHECK_EQ(status.value_or(-1), 0);
    CHECK_EQ(emulator.output(), "<R>");
  }
}

TEST_CASE("rom: each way to reset starts the machine again without -no-reboot") {
  for (const char* name : {"triple_fault", "keyboard_reset", "cf9_reset"}) {
    CAPTURE(name);
    Emulator emulator(RunRom(name));
    const bool has_rebooted = emulator.WaitFor("<R><R><R>", 30s);
    INFO(emulator.Tail());
    CHECK(has_rebooted);
  }
}

TEST_CASE("rom: -no-shutdown does not keep -no-reboot from ending the emulator") {
  Emulator emulator(RunRom("keyboard_reset", {"-no-reboot", "-no-shutdown"}));
  CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 0);
}

TEST_CASE("rom: isa-debug-exit makes the exit status of what the guest writes") {
  Emulator emulator(RunRom("debug_exit", {"-device", "isa-debug-exit,iobase=0xf4,iosize=1"}));
  CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 0x10 * 2 + 1);
}

}  // namespace tandem::tests
