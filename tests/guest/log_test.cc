#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/guest/emulator.h"

namespace tandem::tests {
namespace {

// For the ROM that prints "<R>" in a loop of three rounds and ends with exit status 33.
std::vector<std::string> Arguments(const std::string& items,
                                   const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "-accel", "dbt", "-m", "16", "-display", "none",
      "-bios", "tests/guest/roms/debug_exit.bin", "-debugcon", "stdio",
      "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-d", items};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

size_t Count(const std::string& text, const std::string& wanted) {
  size_t count = 0;
  for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("log: exec tells of each entry into a block, also by the jumps of a loop") {
  Emulator emulator(Arguments("exec"));
  REQUIRE_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
  // The loop's head is come to by falling into it, then by two jumps.
  CHECK_EQ(Count(emulator.errors(), "rip 0x6, linear 0xffff0006, 16-bit real"), 2);
  CHECK_EQ(Count(emulator.errors(), "interpreter, rip 0xfff0, linear 0xfffffff0, 16-bit real"), 1);
}

TEST_CASE("log: guest code, what is known of it and host code stand together") {
  Emulator emulator(Arguments("in_asm,op,out_asm"));
  REQUIRE_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
  const std::string& log = emulator.errors();
  const size_t block = log.find("at 0xffff0000, 16-bit real");
  const size_t guest = log.find("\n  0xffff0000: mov si, ", block);
  const size_t op = log.find("\n  op: copy, entered here", guest);
  const size_t host = log.find("\n    0x", op);
  const size_t next = log.find("\n  0xffff0003: mov cx, ", host);
  INFO(log.substr(0, 4000));
  CHECK(block != std::string::npos);
  CHECK_LT(block, guest);
  CHECK_LT(guest, op);
  CHECK_LT(op, host);
  CHECK_LT(host, next);
  CHECK_NE(next, std::string::npos);
}

TEST_CASE("log: jit counts the blocks that serve again when their code is written back") {
  std::vector<std::string> arguments = Arguments("jit");
  std::replace(arguments.begin(), arguments.end(), std::string("tests/guest/roms/debug_exit.bin"),
               std::string("tests/guest/roms/revive.bin"));
  Emulator emulator(arguments);
  REQUIRE_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
  CHECK_EQ(emulator.output(), "<R>121212121212");
  CHECK_EQ(Count(emulator.errors(), " 11 blocks retired, 10 revived, "), 1);
}

TEST_CASE("log: -D sends everything to a file") {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/log";
  Emulator emulator(Arguments("in_asm,op,out_asm,exec,int,jit", {"-D", path}));
  REQUIRE_EQ(emulator.WaitForExit(30s).value_or(-1), 33);
  std::ifstream file(path);
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  for (const char* part : {"block 0x", "  op: ", "exec: vcpu 0: ", "jit: checks, user: "}) {
    CAPTURE(part);
    CHECK_GT(Count(log, part), 0);
  }
  CHECK_EQ(emulator.errors(), "");
}

}  // namespace tandem::tests
