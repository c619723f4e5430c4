#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "base/mutex.h"
#include "devices/chardev/char_backend.h"

namespace tandem::devices {

// What the escape character's commands ask for; called on the loop's thread without locks.
struct MuxCommands {
  std::function<void()> quit;          // x
  std::function<void()> commit_disks;  // s
};

// Several devices (serial port, monitor) on one stream: output of all is shown, input goes to the
// one in focus. Ctrl-A starts a command: c moves the focus, x quits, b sends a break, h explains.
class Mux final : private CharReceiver {
 public:
  Mux(EventLoop& loop, std::unique_ptr<CharBackend> stream, MuxCommands commands);
  ~Mux() override;

  // A further device's end; the first one made has the focus. They live as long as the Mux.
  CharBackend& AddPort();
  // -echr: the escape character instead of Ctrl-A.
  void SetEscape(char escape) { escape_ = escape; }

 private:
  class Port;
  friend class Port;

  // CharReceiver
  size_t CanReceive() override;
  void Receive(std::span<const std::byte> data) override;
  void OnCharEvent(CharEvent event) override;

  void Command(char key);
  void ToFocus(char byte);
  void SwitchFocus();
  void ShowHelp();
  void Show(std::string_view text);
  void Feed(Port& port);
  void WriteFrom(std::span<const std::byte> data);

  EventLoop& loop_;
  std::unique_ptr<CharBackend> stream_;
  const MuxCommands commands_;
  char escape_ = 1;
  bool is_escaped_ = false;    // loop's thread
  Mutex mu_{LockRank::kLeaf};  // guards all below and the ports' queues
  std::vector<std::unique_ptr<Port>> ports_;
  size_t focus_ = 0;
  bool shows_time_ = false;
  bool is_at_line_start_ = true;
};

}  // namespace tandem::devices
