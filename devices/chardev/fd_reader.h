#pragma once

#include <functional>
#include <memory>

#include "base/event_loop.h"
#include "devices/chardev/char_backend.h"

namespace tandem::devices {

// Feeds a receiver from a descriptor, no faster than the receiver takes it. Descriptors that epoll
// refuses (files, /dev/null) are read by posting. All but the constructor, Resume and SetReceiver
// belong to the loop's thread.
class FdReader : public std::enable_shared_from_this<FdReader> {
 public:
  // fd stays open until Stop(). on_end: end of file or an error; the descriptor is watched no more.
  static std::shared_ptr<FdReader> Start(EventLoop& loop, int fd, CharReceiver* receiver,
                                         std::function<void()> on_end);
  FdReader(EventLoop& loop, int fd, std::function<void()> on_end);

  void SetReceiver(CharReceiver* receiver);
  void Resume();
  void Stop();

 private:
  enum class State : u8 { kReading, kPaused, kStopped };

  void Begin();
  void ReadOnce();
  void Continue();
  void End();

  EventLoop& loop_;
  const int fd_;
  const bool is_pollable_;
  const std::function<void()> on_end_;
  std::atomic<CharReceiver*> receiver_{nullptr};
  State state_ = State::kPaused;
  bool is_watched_ = false;
};

}  // namespace tandem::devices
