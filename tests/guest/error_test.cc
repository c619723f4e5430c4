#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "tests/guest/emulator.h"

namespace tandem::tests {
namespace {

// An empty or broken file for the emulator to open.
std::string MakeFile(const std::string& name, const std::string& bytes) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// The first sectors of a Linux image whose header promises 39 more.
std::string TruncatedKernel() {
  std::string image(2048, '\0');
  image[0x1f1] = 39;
  image.replace(0x1fe, 2, "\x55\xaa");
  image.replace(0x202, 4, "HdrS");
  image.replace(0x206, 2, "\x0f\x02");
  return image;
}

struct Row {
  std::vector<std::string> arguments;
  std::string message;  // part of what is to be printed
};

void CheckError(const Row& row) {
  std::string line;
  for (const std::string& argument : row.arguments) {
    line += argument + " ";
  }
  std::vector<std::string> arguments = row.arguments;
  arguments.insert(arguments.end(), {"-display", "none"});
  Emulator emulator(arguments);
  const std::optional<int> status = emulator.WaitForExit(20s);
  const std::string& errors = emulator.errors();
  CAPTURE(line);
  CAPTURE(errors);
  CHECK_EQ(status.value_or(-1), 1);
  CHECK(errors.starts_with("tandem: "));
  CHECK_EQ(std::count(errors.begin(), errors.end(), '\n'), 1);
  CHECK(errors.find(row.message) != std::string::npos);
}

}  // namespace

TEST_CASE("error: sizes and numbers out of range") {
  CheckError({{"-m", "0"}, "-m 0"});
  CheckError({{"-m", "1P"}, "-m 1P"});
  CheckError({{"-m", "64x"}, "64x"});
  CheckError({{"-smp", "0"}, "-smp 0"});
  CheckError({{"-smp", "2", "-icount", "shift=0"}, "-icount"});
}

TEST_CASE("error: files that are missing or no files") {
  CheckError({{"-kernel", "/nonexistent"}, "'/nonexistent': No such file"});
  CheckError({{"-bios", "/nonexistent"}, "'/nonexistent': No such file"});
  CheckError({{"-hda", "/nonexistent"}, "'/nonexistent': No such file"});
  CheckError({{"-cdrom", "/nonexistent"}, "'/nonexistent': No such file"});
  CheckError({{"-hda", "/"}, "'/': Is a directory"});
  CheckError({{"-kernel", "/"}, "'/': Is a directory"});
}

TEST_CASE("error: images that cannot be used") {
  CheckError({{"-kernel", MakeFile("truncated", TruncatedKernel())}, "truncated"});
  CheckError({{"-kernel", MakeFile("nothing", "")}, "empty"});
  CheckError({{"-bios", MakeFile("nothing", "")}, "empty"});
  CheckError({{"-bios", MakeFile("odd", std::string(70000, 'x'))}, "70000 bytes"});
}

TEST_CASE("error: unknown names say which is meant") {
  CheckError({{"-nographi"}, "did you mean '-nographic'?"});
  CheckError({{"-drive", "fil=x"}, "did you mean 'file'?"});
  CheckError({{"-device", "isa-seriel"}, "did you mean 'isa-serial'?"});
  CheckError({{"-device", "VGA,colour=1"}, "unknown property 'colour'"});
  CheckError({{"-machine", "pcx"}, "pcx"});
  CheckError({{"-cpu", "qemu46"}, "did you mean 'qemu64'?"});
  CheckError({{"-cpu", "max,+sse9"}, "sse9"});
  CheckError({{"-accel", "magic"}, "magic"});
  CheckError({{"-serial", "nowhere"}, "nowhere"});
}

}  // namespace tandem::tests
