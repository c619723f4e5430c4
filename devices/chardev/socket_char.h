#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/chardev/char_backend.h"
#include "devices/chardev/fd_reader.h"
#include "devices/chardev/fd_writer.h"

namespace tandem::devices {

// Where a socket is: a path (unix), or a host and port (tcp).
struct SocketSpec {
  std::string path = {};
  std::string host = {};
  std::string port = {};
  bool is_server = false;
  bool waits = true;  // a server: for its first client, before the machine is built
};

// A stream over a unix or TCP socket. A server takes one client at a time and listens on when it
// leaves; output without a client is dropped.
class SocketChar final : public CharBackend {
 public:
  // Listens or connects; an unreachable peer is an Error.
  static Result<std::unique_ptr<SocketChar>> Open(EventLoop& loop, const SocketSpec& spec);
  SocketChar(EventLoop& loop, UniqueFd listener, UniqueFd stream, std::string path_to_remove);
  ~SocketChar() override;

  void Write(std::span<const std::byte> data) override;
  void SetReceiver(CharReceiver* receiver) override;
  void ResumeInput() override;

 private:
  void Accept();
  void Adopt(UniqueFd stream);
  void Drop();

  EventLoop& loop_;
  UniqueFd listener_;
  const std::string path_to_remove_;
  std::atomic<CharReceiver*> receiver_{nullptr};
  Mutex mu_{LockRank::kLeaf};  // guards all below
  UniqueFd stream_;
  std::shared_ptr<FdReader> reader_;
  std::shared_ptr<FdWriter> writer_;
};

}  // namespace tandem::devices
