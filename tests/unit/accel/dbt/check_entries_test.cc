#include "jit/engine/check_entries.h"

#include "accel/dbt/dbt_accelerator.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/unique_fd.h"
#include "tests/unit/accel/dbt/guest.h"

// That the checks of translated code's entries find what is wrong, in a process of its own: they end it.
namespace tandem::accel {
namespace {

// Runs the loop "inc ebx; jmp" and makes it "inc edx; jmp" in a way that nobody is told of.
void ChangeCodeUnseen() {
  constexpr std::byte kIncEbx{0x43}, kIncEdx{0x42};
  Guest guest("spin", 1);
  do {
    guest.run.Resume();
    ::usleep(10'000);
    guest.run.Pause();
  } while (guest.State(0).gpr[cpu::kRbx] == 0);  // until the loop has been run, and so translated
  const Gpa near(guest.State(0).rip - 2);  // real mode, CS is based at 0; it stands at either
  std::byte* const code = guest.memory.View()->HostPtr(near, 4, devices::Access::kWrite);
  std::replace(code, code + 4, kIncEbx, kIncEdx);
  guest.run.Resume();
  ::sleep(20);
}

struct Ending {
  int status = 0;
  std::string errors;
};

Ending RunApart(void (*run)()) {
  std::array<int, 2> pipe{};
  REQUIRE_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);  // doctest's handler would report a failed test
    ::dup2(pipe[1], STDERR_FILENO);
    run();
    ::_exit(0);
  }
  const UniqueFd reader(pipe[0]);
  ::close(pipe[1]);
  Ending ending;
  std::array<char, 4096> part;
  for (ssize_t size; (size = ::read(reader.get(), part.data(), part.size())) > 0;) {
    ending.errors.append(part.data(), static_cast<size_t>(size));
  }
  ::waitpid(child, &ending.status, 0);
  return ending;
}

bool LacksChecks() {
  if (!jit::kChecksEntries) {
    std::fputs("skipped: built without --define=check_entries=on, as --config=asan has it\n", stderr);
  }
  return !jit::kChecksEntries;
}

}  // namespace

TEST_CASE("dbt: an entry into a block whose bytes have changed unseen ends the process" *
          doctest::skip(LacksChecks())) {
  const Ending ending = RunApart(&ChangeCodeUnseen);
  INFO(ending.errors);
  REQUIRE(WIFSIGNALED(ending.status));
  CHECK_EQ(WTERMSIG(ending.status), SIGABRT);
  CHECK_NE(ending.errors.find("the block's guest bytes have changed"), std::string::npos);
}

}  // namespace tandem::accel
