#include "devices/storage/open_disk.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace tandem::devices {
namespace {

std::string TestPath(const std::string& name) {
  return std::string(std::getenv("TEST_TMPDIR")) + "/" + name;
}

std::string MakeFile(const std::string& name, size_t size, char fill) {
  const std::string path = TestPath(name);
  std::ofstream(path) << std::string(size, fill);
  return path;
}

bool Mentions(const Error& error, const std::string& text) {
  return error.message.find(text) != std::string::npos;
}

// A backend with its threads; Do() waits for one request.
struct Bench {
  EventLoop loop;
  WorkerPool pool;
  std::unique_ptr<BlockBackend> disk;

  explicit Bench(const DiskOptions& options) { disk = *OpenDisk(options, pool, loop); }
  int Do(BlockOp op, u64 offset, std::span<std::byte> data, u64 length = 0) {
    int result = -1;
    disk->Submit({op, offset, length, {data}, [&](int error) {
                    result = error;
                    loop.Stop();
                  }});
    std::thread thread([this] { loop.Run(); });
    thread.join();
    return result;
  }
};

TEST_CASE("disk: what is written is read back and in the file") {
  const std::string path = MakeFile("rw.img", 4096, 'a');
  Bench bench({path, "raw", false, false});
  std::array<std::byte, 512> data;
  data.fill(std::byte{'b'});
  CHECK_EQ(bench.Do(BlockOp::kWrite, 512, data), 0);
  std::ifstream file(path);
  file.seekg(511);
  CHECK_EQ(file.get(), 'a');
  CHECK_EQ(file.get(), 'b');
}

TEST_CASE("disk: a request beyond the end fails and the image does not grow") {
  const std::string path = MakeFile("end.img", 4096, 'a');
  std::array<std::byte, 512> data{};
  {
    Bench bench({path, "raw", false, false});
    CHECK_EQ(bench.Do(BlockOp::kWrite, 4096, data), EIO);
  }
  {
    Bench bench({path, "raw", false, false});
    CHECK_EQ(bench.Do(BlockOp::kRead, ~u64{0} - 100, data), EIO);
  }
  struct stat info {};
  REQUIRE_EQ(stat(path.c_str(), &info), 0);
  CHECK_EQ(info.st_size, 4096);
}

TEST_CASE("disk: a read-only image refuses writes") {
  Bench bench({MakeFile("ro.img", 4096, 'a'), "raw", true, false});
  std::array<std::byte, 512> data{};
  CHECK_EQ(bench.Do(BlockOp::kWrite, 0, data), EROFS);
}

TEST_CASE("disk: snapshot=on keeps writes out of the file") {
  const std::string path = MakeFile("snap.img", 200000, 'a');
  auto image = *OpenImage({path, "raw", false, true});
  std::array<std::byte, 70000> data;
  data.fill(std::byte{'z'});
  CHECK_EQ(image->Write(60000, data), 0);
  std::array<std::byte, 3> seen{};
  CHECK_EQ(image->Read(59999, seen), 0);
  CHECK_EQ(seen[0], std::byte{'a'});
  CHECK_EQ(seen[1], std::byte{'z'});
  std::ifstream file(path);
  file.seekg(60000);
  CHECK_EQ(file.get(), 'a');
}

TEST_CASE("disk: an image in use is refused by name") {
  const std::string path = MakeFile("locked.img", 4096, 'a');
  const auto first = OpenImage({path, "raw", false, false});
  REQUIRE(first.ok());
  const auto second = OpenImage({path, "raw", false, false});
  REQUIRE_FALSE(second.ok());
  CHECK(Mentions(second.error(), path));
}

TEST_CASE("disk: two readers may share an image") {
  const std::string path = MakeFile("shared.img", 4096, 'a');
  const auto first = OpenImage({path, "raw", true, false});
  CHECK(OpenImage({path, "raw", true, false}).ok());
}

TEST_CASE("disk: directories, missing and empty files are errors that name them") {
  for (const std::string& path : {std::string(std::getenv("TEST_TMPDIR")), TestPath("nowhere.img"),
                                  MakeFile("empty.img", 0, 'a')}) {
    const auto image = OpenImage({path, "raw", true, false});
    REQUIRE_FALSE(image.ok());
    CHECK(Mentions(image.error(), path));
  }
}

TEST_CASE("disk: qcow2 is named as what is missing") {
  const std::string path = MakeFile("q.qcow2", 4096, 'a');
  std::fstream(path) << "QFI\xfb";
  const auto image = OpenImage({path, "", true, false});
  REQUIRE_FALSE(image.ok());
  CHECK(Mentions(image.error(), "qcow2 is not supported yet"));
}

}  // namespace
}  // namespace tandem::devices
