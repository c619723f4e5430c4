#include "devices/chardev/open_char.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "devices/chardev/mux.h"
#include "devices/chardev/ring_char.h"

namespace tandem::devices {
namespace {

// Collects text, up to `limit` bytes at a time being outstanding.
class Sink final : public CharReceiver {
 public:
  explicit Sink(EventLoop& loop) : loop_(loop) {}
  std::string text;
  size_t room = 1000;
  size_t stop_at = ~size_t{0};
  int breaks = 0;

  size_t CanReceive() override { return room; }
  void Receive(std::span<const std::byte> data) override {
    CHECK_LE(data.size(), room);
    text.append(reinterpret_cast<const char*>(data.data()), data.size());
    room -= data.size();
    if (text.size() >= stop_at) {
      loop_.Stop();
    }
  }
  void OnCharEvent(CharEvent event) override { breaks += event == CharEvent::kBreak; }

 private:
  EventLoop& loop_;
};

struct TempDir {
  std::string path = [] {
    char name[] = "/tmp/chardev_test.XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  ~TempDir() { CHECK_EQ(::system(("rm -r " + path).c_str()), 0); }
  std::string File(const char* name) const { return path + "/" + name; }
};

std::string Slurp(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST_CASE("file: output reaches the file, and a logfile as well") {
  TempDir dir;
  EventLoop loop;
  {
    auto out = OpenChar(
        loop, {.kind = CharKind::kFile, .path = dir.File("out"), .log_path = dir.File("log")});
    REQUIRE(out.ok());
    (*out)->Write(Bytes("hello\n"));
  }
  CHECK_EQ(Slurp(dir.File("out")), "hello\n");
  CHECK_EQ(Slurp(dir.File("log")), "hello\n");
}

TEST_CASE("file: a path that cannot be opened is an error that names it") {
  EventLoop loop;
  const auto out = OpenChar(loop, {.kind = CharKind::kFile, .path = "/nonexistent/x"});
  REQUIRE_FALSE(out.ok());
  CHECK_NE(out.error().message.find("/nonexistent/x"), std::string::npos);
}

TEST_CASE("file: input from a regular file, which epoll cannot watch, obeys the receiver's room") {
  TempDir dir;
  std::ofstream(dir.File("in")) << "abcdef";
  EventLoop loop;
  Sink sink(loop);
  sink.room = 4;
  sink.stop_at = 6;
  auto in = OpenChar(
      loop, {.kind = CharKind::kFile, .path = dir.File("out"), .input_path = dir.File("in")});
  REQUIRE(in.ok());
  (*in)->SetReceiver(&sink);
  std::thread runner([&] { loop.Run(); });
  std::thread feeder([&] {
    ::usleep(20000);
    loop.Post([&] {
      CHECK_EQ(sink.text, "abcd");
      sink.room = 10;
      (*in)->ResumeInput();
    });
  });
  runner.join();
  feeder.join();
  CHECK_EQ(sink.text, "abcdef");
}

TEST_CASE("socket: a unix server talks to its client") {
  TempDir dir;
  EventLoop loop;
  Sink sink(loop);
  sink.stop_at = 4;
  auto server =
      OpenChar(loop, {.kind = CharKind::kSocket,
                      .socket = {.path = dir.File("s"), .is_server = true, .waits = false}});
  REQUIRE(server.ok());
  (*server)->SetReceiver(&sink);
  std::thread runner([&] { loop.Run(); });
  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy_n(dir.File("s").c_str(), dir.File("s").size(), address.sun_path);
  REQUIRE_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  CHECK_EQ(::write(client.get(), "ping", 4), 4);
  runner.join();
  CHECK_EQ(sink.text, "ping");
  (*server)->Write(Bytes("pong"));
  char reply[5] = {};
  CHECK_EQ(::read(client.get(), reply, 4), 4);
  CHECK_EQ(std::string(reply), "pong");
}

TEST_CASE("socket: connecting to nobody is an error") {
  EventLoop loop;
  CHECK_FALSE(
      OpenChar(loop, {.kind = CharKind::kSocket, .socket = {.path = "/nonexistent/s"}}).ok());
}

TEST_CASE("pty: what is written to the other side is received") {
  EventLoop loop;
  Sink sink(loop);
  auto pty = OpenChar(loop, {.kind = CharKind::kPty, .id = "serial0"});
  REQUIRE(pty.ok());
  (*pty)->SetReceiver(&sink);
  (*pty)->Write(Bytes("x"));
}

TEST_CASE("ring: keeps the newest bytes") {
  RingChar ring(4);
  ring.Write(Bytes("abcdef"));
  CHECK_EQ(ring.Take(2), "cd");
  CHECK_EQ(ring.Take(), "ef");
}

struct MuxRig {
  EventLoop loop;
  RingChar* wire = nullptr;
  int quits = 0;
  std::unique_ptr<Mux> mux;
  Sink console{loop};
  Sink monitor{loop};
  CharBackend* console_port = nullptr;

  MuxRig() {
    auto ring = std::make_unique<RingChar>(65536);
    wire = ring.get();
    mux = std::make_unique<Mux>(loop, std::move(ring), MuxCommands{[this] { ++quits; }, {}});
    console_port = &mux->AddPort();
    console_port->SetReceiver(&console);
    mux->AddPort().SetReceiver(&monitor);
  }
};

TEST_CASE("mux: input goes to the first port until Ctrl-A c") {
  MuxRig rig;
  rig.wire->Type(
      "ab\x01"
      "cxy\x01"
      "cz");
  CHECK_EQ(rig.console.text, "abz");
  CHECK_EQ(rig.monitor.text, "xy");
}

TEST_CASE("mux: Ctrl-A x quits, b breaks, h explains, a doubled escape is sent") {
  MuxRig rig;
  rig.wire->Type(
      "\x01x\x01"
      "b\x01\x01\x01h");
  CHECK_EQ(rig.quits, 1);
  CHECK_EQ(rig.console.breaks, 1);
  CHECK_EQ(rig.console.text, "\x01");
  CHECK_NE(rig.wire->Take().find("C-a x    quit"), std::string::npos);
}

TEST_CASE("mux: what a full device cannot take waits, commands still work") {
  MuxRig rig;
  rig.console.room = 1;
  rig.wire->Type("abc\x01x");
  CHECK_EQ(rig.console.text, "a");
  CHECK_EQ(rig.quits, 1);
  rig.console.room = 10;
  rig.console_port->ResumeInput();
  rig.loop.Stop();
  rig.loop.Run();
  CHECK_EQ(rig.console.text, "abc");
}

TEST_CASE("mux: time stamps begin each line once switched on") {
  MuxRig rig;
  rig.wire->Type("\x01t");
  rig.console_port->Write(Bytes("a\nb"));
  const std::string text = rig.wire->Take();
  CHECK_EQ(std::count(text.begin(), text.end(), '['), 2);
}

}  // namespace
}  // namespace tandem::devices
