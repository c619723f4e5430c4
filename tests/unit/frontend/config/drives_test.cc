#include "tests/unit/frontend/config/command.h"

namespace tandem::frontend {
namespace {

const DriveConfig* Find(const MachineConfig& machine, const std::string& id) {
  for (const DriveConfig& drive : machine.drives) {
    if (drive.id == id) {
      return &drive;
    }
  }
  return nullptr;
}

}  // namespace

TEST_CASE("drives: -hda to -hdd and -cdrom have QEMU's places and ids") {
  const MachineConfig machine = MachineOf("-hda a,b -hdb b -cdrom c -hdd d");
  REQUIRE_EQ(machine.drives.size(), 4);
  REQUIRE(Find(machine, "ide0-hd0") != nullptr);
  CHECK_EQ(Find(machine, "ide0-hd0")->file, "a,b");
  REQUIRE(Find(machine, "ide1-cd0") != nullptr);
  CHECK_EQ(Find(machine, "ide1-cd0")->media, DriveMedia::kCdrom);
  CHECK(Find(machine, "ide1-cd0")->read_only);
  REQUIRE(Find(machine, "ide1-hd1") != nullptr);
  CHECK_EQ(Find(machine, "ide1-hd1")->bus, 1);
  CHECK_EQ(Find(machine, "ide1-hd1")->unit, 1);
}

TEST_CASE("drives: those without a place take what is free, the fixed ones come first") {
  const MachineConfig machine =
      MachineOf("-drive file=a -drive file=b,index=0 -drive file=c,bus=1");
  REQUIRE_EQ(machine.drives.size(), 3 + 0);
  CHECK_EQ(machine.drives[0].unit.value_or(9), 1);
  CHECK_EQ(machine.drives[1].unit.value_or(9), 0);
  CHECK_EQ(machine.drives[2].bus.value_or(9), 1);
}

TEST_CASE("drives: the properties that QEMU's users give") {
  const MachineConfig machine = MachineOf(
      "-drive file=x,if=none,id=d0,format=raw,readonly=on,cache=none,aio=native,werror=stop,"
      "rerror=report,discard=unmap,detect-zeroes=off -snapshot");
  const DriveConfig* drive = Find(machine, "d0");
  REQUIRE(drive != nullptr);
  CHECK_EQ(drive->interface, DriveInterface::kNone);
  CHECK_EQ(drive->format, "raw");
  CHECK(drive->read_only);
  CHECK(drive->snapshot);
}

TEST_CASE("drives: a comma in a file name is doubled, JSON needs none of that") {
  CHECK_EQ(MachineOf("-drive file=a,,b").drives.at(0).file, "a,b");
  CHECK_EQ(MachineOf("-drive {\"file\":\"a,b\",\"readonly\":true}").drives.at(0).file, "a,b");
}

TEST_CASE("drives: flash banks in order") {
  const MachineConfig machine =
      MachineOf("-drive if=pflash,file=code,readonly=on -drive if=pflash,file=vars");
  REQUIRE(Find(machine, "pflash1") != nullptr);
  CHECK_EQ(Find(machine, "pflash1")->file, "vars");
  CHECK_EQ(Find(machine, "pflash0")->read_only, true);
}

TEST_CASE("drives: the default CD-ROM drive goes where nothing else is wanted") {
  CHECK(Find(MachineOf("-hda x"), "ide1-cd0") != nullptr);
  CHECK(Find(MachineOf("-hda x -nodefaults"), "ide1-cd0") == nullptr);
  CHECK(Find(MachineOf("-hdc x"), "ide1-cd0") == nullptr);
  CHECK(Find(MachineOf("-device ide-cd -display none"), "ide1-cd0") == nullptr);
  CHECK_EQ(MachineOf("-drive media=cdrom,file=x,if=none").drives.size(), 1);
}

TEST_CASE("drives: a bare word is the first disk") {
  CHECK_EQ(MachineOf("disk.img").drives.at(0).file, "disk.img");
}

}  // namespace tandem::frontend
