#include "tests/unit/frontend/config/command.h"

namespace tandem::frontend {
namespace {

// The stream that -serial TEXT makes.
ChardevConfig Serial(const std::string& text) {
  const MachineConfig machine = MachineOf("-serial " + text + " -parallel none");
  return machine.chardevs.empty() ? ChardevConfig() : machine.chardevs[0];
}

}  // namespace

TEST_CASE("streams: the short forms of -serial") {
  CHECK_EQ(Serial("null").type, CharType::kNull);
  CHECK_EQ(Serial("vc").type, CharType::kNull);
  CHECK_EQ(Serial("vc:80Cx24C").type, CharType::kNull);
  CHECK_EQ(Serial("pty").type, CharType::kPty);
  CHECK_EQ(Serial("file:/a,b").path, "/a,b");
  CHECK_EQ(Serial("pipe:/p").type, CharType::kPipe);
  CHECK(Serial("stdio").signal);
  CHECK_FALSE(Serial("stdio").mux);
  CHECK(Serial("mon:stdio").mux);
  CHECK_FALSE(Serial("mon:stdio").signal);
}

TEST_CASE("streams: sockets in old and new spelling") {
  const ChardevConfig old_tcp = Serial("tcp::4444,server,nowait");
  CHECK_EQ(old_tcp.type, CharType::kSocket);
  CHECK_EQ(old_tcp.host, "");
  CHECK_EQ(old_tcp.port, "4444");
  CHECK(old_tcp.server);
  CHECK_FALSE(old_tcp.wait);
  const ChardevConfig tcp = Serial("tcp:[::1]:99,server=off,reconnect=2");
  CHECK_EQ(tcp.host, "::1");
  CHECK_FALSE(tcp.server);
  CHECK_EQ(tcp.reconnect_s.value_or(0), 2);
  const ChardevConfig unix_socket = Serial("unix:/tmp/s,server=on,wait=off");
  CHECK_EQ(unix_socket.path, "/tmp/s");
  CHECK_FALSE(unix_socket.wait);
}

TEST_CASE("streams: -chardev and its users meet by id") {
  const MachineConfig machine = MachineOf(
      "-chardev file,id=log,path=/l,append=on,logfile=/copy,logappend=on -serial chardev:log "
      "-serial none -debugcon chardev:log -chardev ringbuf,id=r,size=64k");
  CHECK_EQ(machine.serial, std::vector<std::string>{"log", "none"});
  CHECK_EQ(machine.debugcon, "log");
  REQUIRE_GE(machine.chardevs.size(), 2);
  CHECK(machine.chardevs[0].append);
  CHECK_EQ(machine.chardevs[0].log_path, "/copy");
  CHECK_EQ(machine.chardevs[1].ring_size, 65536);
}

TEST_CASE("streams: -nographic puts the serial port on the terminal, Ctrl-A in front") {
  const Result<Invocation> command = Command("-nographic");
  REQUIRE(command.ok());
  const MachineConfig& machine = command->machine;
  REQUIRE_FALSE(machine.chardevs.empty());
  CHECK_EQ(machine.chardevs[0].type, CharType::kStdio);
  CHECK(machine.chardevs[0].mux);
  CHECK_FALSE(machine.chardevs[0].signal);
  CHECK_EQ(machine.serial, std::vector<std::string>{"serial0"});
  CHECK_FALSE(machine.has_display);
  CHECK(command->hints.empty());
}

TEST_CASE("streams: -nographic leaves a serial port alone that was given") {
  const MachineConfig machine = MachineOf("-nographic -serial null");
  CHECK_EQ(machine.chardevs.at(0).type, CharType::kNull);
}

TEST_CASE("streams: -nodefaults has no ports") {
  const MachineConfig machine = MachineOf("-nodefaults -display none");
  CHECK(machine.serial.empty());
  CHECK(machine.parallel.empty());
  CHECK_FALSE(machine.has_vga);
}

TEST_CASE("devices: properties are passed on in order") {
  const MachineConfig machine = MachineOf("-device isa-debug-exit,iobase=0xf4,iosize=0x04");
  REQUIRE_EQ(machine.devices.size(), 1);
  CHECK_EQ(machine.devices[0].driver, "isa-debug-exit");
  REQUIRE_EQ(machine.devices[0].properties.size(), 2);
  CHECK_EQ(machine.devices[0].properties[0].second, "0xf4");
}

}  // namespace tandem::frontend
