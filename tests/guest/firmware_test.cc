#include <doctest/doctest.h>

#include "tests/guest/emulator.h"
#include "tests/guest/guests.h"

namespace tandem::tests {

TEST_CASE("firmware: SeaBIOS boots a CD-ROM made by grub-mkrescue" *
          doctest::skip(Lacks({"grub.iso"}))) {
  Emulator emulator({"-m", "256", "-nographic", "-no-reboot", "-cdrom", GuestFile("grub.iso")});
  const bool has_answer = emulator.WaitFor("^x86_64", 4min);
  const std::optional<int> status = emulator.WaitForExit(60s);
  INFO(emulator.Tail());
  CHECK(has_answer);
  CHECK_EQ(status.value_or(-1), 0);
}

TEST_CASE("firmware: memtest86+ finds no error in its first seconds" *
          doctest::skip(Lacks({"memtest.bin"}))) {
  Emulator emulator({"-m", "32", "-nographic", "-no-reboot", "-kernel", GuestFile("memtest.bin"),
                     "-append", "console=ttyS0"});
  const bool has_banner = emulator.WaitFor("Memtest86", 60s);
  INFO(emulator.Tail());
  REQUIRE(has_banner);
  CHECK_FALSE(emulator.WaitFor("Errors: *[1-9]", 20s));
  CHECK(emulator.output().find("Errors: 0") != std::string::npos);
  CHECK_EQ(emulator.WaitForExit(0s), std::nullopt);
}

}  // namespace tandem::tests
