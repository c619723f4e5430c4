#include <doctest/doctest.h>

#include "tests/guest/emulator.h"
#include "tests/guest/guests.h"

namespace tandem::tests {
namespace {

constexpr auto kBoot = 4min;  // several times what a busy machine takes
constexpr auto kAnswer = 60s;

constexpr char kCloud[] = "vmlinuz-cloud", kStandard[] = "vmlinuz-amd64", k686[] = "vmlinuz-686";
constexpr char kInitramfs[] = "initramfs.gz", kInitramfs32[] = "initramfs-i386.gz";

// Boots, lets the guest run `uname -m`, and expects it to power off.
void CheckUname(const std::vector<std::string>& arguments, const std::string& machine) {
  Emulator emulator(arguments);
  const bool has_answer = emulator.WaitFor("^" + machine, kBoot);
  const std::optional<int> status = emulator.WaitForExit(kAnswer);
  INFO(emulator.Tail());
  CHECK(has_answer);
  CHECK_EQ(status.value_or(-1), 0);
}

}  // namespace

TEST_CASE("linux: Debian's standard amd64 kernel reaches user space and powers off" *
          doctest::skip(Lacks({kStandard, kInitramfs}))) {
  CheckUname(BootLinux(kStandard, kInitramfs, "run=uname_-m"), "x86_64");
}

TEST_CASE("linux: two processors come up" * doctest::skip(Lacks({kCloud, kInitramfs}))) {
  CheckUname(BootLinux(kCloud, kInitramfs, "quiet run=nproc", {"-smp", "2"}), "2");
}

TEST_CASE("linux: Debian's i386 kernel without PAE reaches user space and powers off" *
          doctest::skip(Lacks({k686, kInitramfs32}))) {
  CheckUname(BootLinux(k686, kInitramfs32, "run=uname_-m"), "i686");
}

TEST_CASE("linux: the cloud kernel's shell can be used on the terminal" *
          doctest::skip(Lacks({kCloud, kInitramfs}))) {
  Emulator emulator(BootLinux(kCloud, kInitramfs, "quiet"), Console::kTerminal);
  const bool has_prompt =
      emulator.WaitFor("Welcome to Linux", kBoot) && emulator.WaitFor("# ", kAnswer);
  INFO(emulator.Tail());
  REQUIRE(has_prompt);
  emulator.Type("uname -a\r");
  REQUIRE(emulator.WaitFor("Linux tandem .*x86_64 GNU/Linux", kAnswer));
  REQUIRE(emulator.WaitFor("# ", kAnswer));
  emulator.Type("cat /proc/cpuinfo\r");
  REQUIRE(emulator.WaitFor("^flags\\s*: .*\\bsse2\\b", kAnswer));
  REQUIRE(emulator.WaitFor("# ", kAnswer));
  emulator.Type("poweroff -f\r");
  CHECK_EQ(emulator.WaitForExit(kAnswer).value_or(-1), 0);
}

TEST_CASE("linux: suspends to RAM and wakes by the alarm, on one processor and on two" *
          doctest::skip(Lacks({kStandard, kInitramfs}))) {
  for (const char* processors : {"1", "2"}) {
    CAPTURE(processors);
    Emulator emulator(BootLinux(kStandard, kInitramfs, "quiet", {"-smp", processors}),
                      Console::kTerminal);
    const bool has_prompt =
        emulator.WaitFor("Welcome to Linux", kBoot) && emulator.WaitFor("# ", kAnswer);
    INFO(emulator.Tail());
    REQUIRE(has_prompt);
    emulator.Type("echo +2 > /sys/class/rtc/rtc0/wakealarm; echo mem > /sys/power/state\r");
    emulator.Type("echo woken-$? with $(nproc)\r");
    REQUIRE(emulator.WaitFor(std::string("^woken-0 with ") + processors, kAnswer));
    emulator.Type("poweroff -f\r");
    CHECK_EQ(emulator.WaitForExit(kAnswer).value_or(-1), 0);
  }
}

TEST_CASE("linux: a panic with panic=-1 and -no-reboot ends the emulator" *
          doctest::skip(Lacks({kCloud}))) {
  Emulator emulator({"-m", "256", "-nographic", "-no-reboot", "-kernel", GuestFile(kCloud),
                     "-append", "console=ttyS0 panic=-1"});
  const bool has_panic = emulator.WaitFor("Kernel panic - not syncing: VFS", kBoot);
  const std::optional<int> status = emulator.WaitForExit(kAnswer);
  INFO(emulator.Tail());
  CHECK(has_panic);
  CHECK_EQ(status.value_or(-1), 0);
}

}  // namespace tandem::tests
