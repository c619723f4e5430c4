#include "devices/chardev/socket_char.h"

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr int kType = SOCK_STREAM | SOCK_CLOEXEC;

Error SocketError(const SocketSpec& spec, const char* what) {
  const std::string where = spec.path.empty() ? spec.host + ":" + spec.port : spec.path;
  return Fail("cannot {} socket '{}': {}", what, where, std::strerror(errno));
}

// Binds and listens, or connects.
bool Establish(int fd, const sockaddr* address, socklen_t length, bool is_server) {
  if (!is_server) {
    return ::connect(fd, address, length) == 0;
  }
  return ::bind(fd, address, length) == 0 && ::listen(fd, 1) == 0;
}

Result<UniqueFd> OpenUnix(const SocketSpec& spec) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (spec.path.size() >= sizeof(address.sun_path)) {
    return Fail("socket path '{}' is longer than {} bytes", spec.path,
                sizeof(address.sun_path) - 1);
  }
  std::memcpy(address.sun_path, spec.path.c_str(), spec.path.size());
  if (spec.is_server) {
    ::unlink(spec.path.c_str());
  }
  UniqueFd fd(::socket(AF_UNIX, kType, 0));
  if (!fd.valid() || !Establish(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                                sizeof(address), spec.is_server)) {
    return SocketError(spec, spec.is_server ? "listen on" : "connect to");
  }
  return fd;
}

Result<UniqueFd> OpenTcp(const SocketSpec& spec) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = spec.is_server ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const char* host = spec.host.empty() ? nullptr : spec.host.c_str();
  if (const int error = ::getaddrinfo(host, spec.port.c_str(), &hints, &found); error != 0) {
    return Fail("cannot resolve '{}:{}': {}", spec.host, spec.port, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    UniqueFd fd(::socket(at->ai_family, kType, at->ai_protocol));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd.valid() && Establish(fd.get(), at->ai_addr, at->ai_addrlen, spec.is_server)) {
      return fd;
    }
  }
  return SocketError(spec, spec.is_server ? "listen on" : "connect to");
}

}  // namespace

Result<std::unique_ptr<SocketChar>> SocketChar::Open(EventLoop& loop, const SocketSpec& spec) {
  Result<UniqueFd> opened = spec.path.empty() ? OpenTcp(spec) : OpenUnix(spec);
  if (!opened.ok()) {
    return opened.error();
  }
  UniqueFd fd = std::move(opened).value();
  if (!spec.is_server) {
    return std::make_unique<SocketChar>(loop, UniqueFd(), std::move(fd), "");
  }
  UniqueFd client;
  if (spec.waits) {
    client = UniqueFd(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  return std::make_unique<SocketChar>(loop, std::move(fd), std::move(client), spec.path);
}

SocketChar::SocketChar(EventLoop& loop, UniqueFd listener, UniqueFd stream,
                       std::string path_to_remove)
    : loop_(loop), listener_(std::move(listener)), path_to_remove_(std::move(path_to_remove)) {
  if (stream.valid()) {
    Adopt(std::move(stream));
  }
  if (listener_.valid()) {
    loop_.Watch(listener_.get(), EPOLLIN, [this](u32) { Accept(); });
  }
}

SocketChar::~SocketChar() {
  if (listener_.valid()) {
    loop_.Unwatch(listener_.get());
  }
  if (reader_) {
    reader_->Stop();
  }
  if (!path_to_remove_.empty()) {
    ::unlink(path_to_remove_.c_str());
  }
}

void SocketChar::Accept() {
  UniqueFd stream(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  bool is_busy = false;
  {
    MutexLock lock(mu_);
    is_busy = stream_.valid();
  }
  if (!stream.valid() || is_busy) {
    return;  // a second client is turned away by closing its connection
  }
  Adopt(std::move(stream));
  if (CharReceiver* receiver = receiver_.load()) {
    receiver->OnCharEvent(CharEvent::kOpened);
  }
}

void SocketChar::Adopt(UniqueFd stream) {
  auto writer = std::make_shared<FdWriter>(loop_, stream.get());
  auto reader = FdReader::Start(loop_, stream.get(), receiver_.load(), [this] { Drop(); });
  MutexLock lock(mu_);
  stream_ = std::move(stream);
  reader_ = std::move(reader);
  writer_ = std::move(writer);
}

// The peer has gone. Its reader is calling us, so it is kept until the loop comes round.
void SocketChar::Drop() {
  UniqueFd stream;
  std::shared_ptr<FdWriter> writer;
  std::shared_ptr<FdReader> reader;
  {
    MutexLock lock(mu_);
    std::swap(stream, stream_);
    std::swap(writer, writer_);
    std::swap(reader, reader_);
  }
  loop_.Post([reader] {});
  if (CharReceiver* receiver = receiver_.load()) {
    receiver->OnCharEvent(CharEvent::kClosed);
  }
}

void SocketChar::Write(std::span<const std::byte> data) {
  std::shared_ptr<FdWriter> writer;
  {
    MutexLock lock(mu_);
    writer = writer_;
  }
  if (writer) {
    writer->Write(data);
  }
}

void SocketChar::SetReceiver(CharReceiver* receiver) {
  receiver_.store(receiver);
  std::shared_ptr<FdReader> reader;
  {
    MutexLock lock(mu_);
    reader = reader_;
  }
  if (reader) {
    reader->SetReceiver(receiver);
  }
}

void SocketChar::ResumeInput() {
  std::shared_ptr<FdReader> reader;
  {
    MutexLock lock(mu_);
    reader = reader_;
  }
  if (reader) {
    reader->Resume();
  }
}

}  // namespace tandem::devices
