#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/guest/emulator.h"
#include "tests/guest/guests.h"

namespace tandem::tests {
namespace {

constexpr char kCloud[] = "vmlinuz-cloud", kInitramfs[] = "initramfs.gz";

// The guests' initramfs with the program behind it.
std::string MakeInitramfs() {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/initramfs.gz";
  std::ofstream all(path, std::ios::binary);
  for (const std::string& part : {GuestFile(kInitramfs), std::string("tests/litmus/litmus.cpio.gz")}) {
    all << std::ifstream(part, std::ios::binary).rdbuf();
  }
  return path;
}

// TANDEM_LITMUS_SECONDS: for how long, instead of a few seconds.
std::string Seconds() {
  const char* const text = std::getenv("TANDEM_LITMUS_SECONDS");
  return text == nullptr ? "5" : text;
}

void CheckLitmus(const std::string& processors) {
  std::vector<std::string> arguments = BootLinux(
      kCloud, kInitramfs, "quiet run=/bin/litmus_" + Seconds(), {"-smp", processors});
  *std::next(std::find(arguments.begin(), arguments.end(), "-initrd")) = MakeInitramfs();
  Emulator emulator(arguments);
  const auto limit = std::chrono::seconds(240 + std::atol(Seconds().c_str()));
  const bool is_good =
      emulator.WaitFor("^litmus: " + processors + " processors, .* nothing forbidden", limit);
  INFO(emulator.Tail());
  CHECK(is_good);
  CHECK_EQ(emulator.WaitForExit(60s).value_or(-1), 0);
}

}  // namespace

TEST_CASE("litmus: two processors see memory as x86 allows" *
          doctest::skip(Lacks({kCloud, kInitramfs}))) {
  CheckLitmus("2");
}

TEST_CASE("litmus: four processors see memory as x86 allows" *
          doctest::skip(Lacks({kCloud, kInitramfs}))) {
  CheckLitmus("4");
}

}  // namespace tandem::tests
