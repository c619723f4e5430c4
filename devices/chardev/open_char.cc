#include "devices/chardev/open_char.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "devices/chardev/fd_char.h"
#include "devices/chardev/logged_char.h"
#include "devices/chardev/null_char.h"
#include "devices/chardev/raw_terminal.h"
#include "devices/chardev/ring_char.h"

namespace tandem::devices {
namespace {

using Opened = Result<std::unique_ptr<CharBackend>>;

template <typename T, typename... Args>
Opened Make(Args&&... args) {
  return Opened(std::unique_ptr<CharBackend>(std::make_unique<T>(std::forward<Args>(args)...)));
}

Result<UniqueFd> OpenPath(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (!fd.valid()) {
    return Fail("cannot open '{}' for a character device: {}", path, std::strerror(errno));
  }
  return fd;
}

int WriteFlags(bool appends) { return O_WRONLY | O_CREAT | (appends ? O_APPEND : O_TRUNC); }

Opened OpenStdio(EventLoop& loop, const CharSpec& spec) {
  UniqueFd input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  UniqueFd output(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  EnterRawTerminal(spec.keeps_signals);
  return Make<FdChar>(loop, std::move(input), std::move(output), RestoreTerminal);
}

Opened OpenFile(EventLoop& loop, const CharSpec& spec) {
  Result<UniqueFd> output = OpenPath(spec.path, WriteFlags(spec.appends));
  if (!output.ok()) {
    return output.error();
  }
  UniqueFd input;
  if (!spec.input_path.empty()) {
    Result<UniqueFd> opened = OpenPath(spec.input_path, O_RDONLY | O_NONBLOCK);
    if (!opened.ok()) {
      return opened.error();
    }
    input = std::move(opened).value();
  }
  return Make<FdChar>(loop, std::move(input), std::move(output).value());
}

// path.in and path.out where they exist, else path for both. Opened for reading and writing, so
// that neither open() waits for the other side.
Opened OpenPipe(EventLoop& loop, const CharSpec& spec) {
  UniqueFd input(::open((spec.path + ".in").c_str(), O_RDWR | O_CLOEXEC));
  UniqueFd output(::open((spec.path + ".out").c_str(), O_RDWR | O_CLOEXEC));
  if (!input.valid() || !output.valid()) {
    Result<UniqueFd> both = OpenPath(spec.path, O_RDWR);
    if (!both.ok()) {
      return both.error();
    }
    input = std::move(both).value();
    output = UniqueFd(::fcntl(input.get(), F_DUPFD_CLOEXEC, 0));
  }
  return Make<FdChar>(loop, std::move(input), std::move(output));
}

// Our own end of the other side stays open: without it reads fail until somebody connects.
Opened OpenPty(EventLoop& loop, const CharSpec& spec) {
  int ours = -1;
  int theirs = -1;
  if (::openpty(&ours, &theirs, nullptr, nullptr, nullptr) != 0) {
    return Fail("cannot make a pseudo terminal: {}", std::strerror(errno));
  }
  UniqueFd input(ours);
  auto kept = std::make_shared<UniqueFd>(theirs);
  termios modes{};
  ::tcgetattr(theirs, &modes);
  ::cfmakeraw(&modes);
  ::tcsetattr(theirs, TCSANOW, &modes);
  ::fcntl(ours, F_SETFD, FD_CLOEXEC);
  ::fcntl(theirs, F_SETFD, FD_CLOEXEC);
  std::fprintf(stderr, "char device redirected to %s (label %s)\n", ::ttyname(theirs),
               spec.id.c_str());
  UniqueFd output(::fcntl(ours, F_DUPFD_CLOEXEC, 0));
  return Make<FdChar>(loop, std::move(input), std::move(output), [kept] {});
}

Opened OpenSocket(EventLoop& loop, const CharSpec& spec) {
  Result<std::unique_ptr<SocketChar>> opened = SocketChar::Open(loop, spec.socket);
  if (!opened.ok()) {
    return opened.error();
  }
  return Opened(std::unique_ptr<CharBackend>(std::move(opened).value()));
}

Opened OpenPlain(EventLoop& loop, const CharSpec& spec) {
  switch (spec.kind) {
    case CharKind::kStdio:
      return OpenStdio(loop, spec);
    case CharKind::kFile:
      return OpenFile(loop, spec);
    case CharKind::kPipe:
      return OpenPipe(loop, spec);
    case CharKind::kPty:
      return OpenPty(loop, spec);
    case CharKind::kSocket:
      return OpenSocket(loop, spec);
    case CharKind::kRing:
      return Make<RingChar>(spec.ring_size);
    default:
      return Make<NullChar>();
  }
}

}  // namespace

Result<std::unique_ptr<CharBackend>> OpenChar(EventLoop& loop, const CharSpec& spec) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is an error of write(), not our end
  UniqueFd log;
  if (!spec.log_path.empty()) {
    Result<UniqueFd> opened = OpenPath(spec.log_path, WriteFlags(spec.log_appends));
    if (!opened.ok()) {
      return opened.error();
    }
    log = std::move(opened).value();
  }
  Opened plain = OpenPlain(loop, spec);
  if (!plain.ok() || !log.valid()) {
    return plain;
  }
  return Make<LoggedChar>(loop, std::move(plain).value(), std::move(log));
}

}  // namespace tandem::devices
