#include "frontend/machine/machine.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "frontend/config/command_line.h"

namespace tandem::tests {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Runs the machine until its text screen shows the text; whether it did.
bool ShowsText(frontend::Machine& machine, EventLoop& loop, const std::string& text) {
  bool is_seen = false;
  std::atomic<bool> has_ended{false};
  std::thread ticker([&] {
    const auto deadline = SteadyClock::now() + std::chrono::minutes(2);
    while (!has_ended && SteadyClock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      loop.Post([&] {
        for (const std::string& row : machine.TextScreen()) {
          is_seen = is_seen || row.find(text) != std::string::npos;
        }
        if (is_seen) {
          loop.Stop();
        }
      });
    }
    loop.Stop();
  });
  machine.Start();
  loop.Run();
  machine.Pause();
  has_ended = true;
  ticker.join();
  return is_seen;
}

}  // namespace

TEST_CASE("screen: SeaBIOS shows its banner and writes messages to the debug console") {
  const std::string log = std::string(std::getenv("TEST_TMPDIR")) + "/messages";
  const std::vector<std::string> arguments = {"-m",       "64",
                                              "-display", "none",
                                              "-chardev", "file,id=log,path=" + log,
                                              "-device",  "isa-debugcon,iobase=0x402,chardev=log"};
  auto invocation = frontend::ParseCommandLine(arguments);
  REQUIRE(invocation.ok());
  EventLoop loop;
  auto machine = frontend::Machine::Build(invocation->machine, loop, [](frontend::MachineEnd) {});
  REQUIRE(machine.ok());
  CHECK(ShowsText(**machine, loop, "SeaBIOS (version"));
  std::ifstream stream(log);
  const std::string messages((std::istreambuf_iterator<char>(stream)), {});
  CHECK(messages.find("SeaBIOS (version") != std::string::npos);
}

}  // namespace tandem::tests
