#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "tests/guest/emulator.h"

namespace tandem::tests {
namespace {

const std::vector<std::string> kIdle = {"-m", "16", "-nographic", "-bios",
                                        "tests/guest/roms/halt.bin"};

bool IsRaw(const termios& settings) { return (settings.c_lflag & (ICANON | ECHO)) == 0; }

bool AreSame(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         a.c_lflag == b.c_lflag && std::memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0;
}

// What a new terminal is set to.
termios FreshSettings() {
  const Emulator help({"-help"}, Console::kTerminal);
  return help.TerminalSettings();
}

bool BecomesRaw(Emulator& emulator) {
  for (int tenths = 0; tenths < 300; ++tenths) {
    if (IsRaw(emulator.TerminalSettings())) {
      return true;
    }
    usleep(100'000);
  }
  return false;
}

}  // namespace

TEST_CASE("terminal: Ctrl-A H shows the keys, Ctrl-A X ends and restores the terminal") {
  Emulator emulator(kIdle, Console::kTerminal);
  REQUIRE(BecomesRaw(emulator));
  emulator.Type("\x01h");
  const bool has_help = emulator.WaitFor("C-a x +quit", 30s);
  INFO(emulator.Tail());
  CHECK(has_help);
  emulator.Type("\x01x");
  CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 0);
  CHECK(AreSame(emulator.TerminalSettings(), FreshSettings()));
}

TEST_CASE("terminal: it is restored when a signal ends the emulator") {
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) {
    CAPTURE(signal_number);
    Emulator emulator(kIdle, Console::kTerminal);
    REQUIRE(BecomesRaw(emulator));
    kill(emulator.pid(), signal_number);
    CHECK(emulator.WaitForExit(30s).has_value());
    CHECK(AreSame(emulator.TerminalSettings(), FreshSettings()));
  }
}

TEST_CASE("terminal: it is restored when the guest ends the emulator") {
  Emulator emulator({"-m", "16", "-nographic", "-bios", "tests/guest/roms/debug_exit.bin",
                     "-device", "isa-debug-exit,iobase=0xf4,iosize=1"},
                    Console::kTerminal);
  CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
  CHECK(AreSame(emulator.TerminalSettings(), FreshSettings()));
}

TEST_CASE("terminal: it is left alone when the command line is wrong") {
  Emulator emulator({"-nographic", "-m", "0"}, Console::kTerminal);
  CHECK_EQ(emulator.WaitForExit(30s).value_or(-1), 1);
  CHECK(AreSame(emulator.TerminalSettings(), FreshSettings()));
}

}  // namespace tandem::tests
