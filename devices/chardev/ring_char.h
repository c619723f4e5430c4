#pragma once

#include <atomic>
#include <deque>
#include <string>

#include "base/mutex.h"
#include "devices/chardev/char_backend.h"

namespace tandem::devices {

// Keeps the newest bytes of the output in memory (-chardev ringbuf).
class RingChar final : public CharBackend {
 public:
  explicit RingChar(size_t size) : size_(size) {}

  void Write(std::span<const std::byte> data) override;
  void SetReceiver(CharReceiver* receiver) override { receiver_.store(receiver); }
  void ResumeInput() override {}

  // Takes up to limit bytes out, oldest first. Any thread.
  std::string Take(size_t limit = ~size_t{0});
  // Gives bytes to the device as if they had been typed; how many it took. The loop's thread.
  size_t Type(std::string_view text);

 private:
  const size_t size_;
  std::atomic<CharReceiver*> receiver_{nullptr};
  Mutex mu_{LockRank::kBackend};  // guards bytes_
  std::deque<char> bytes_;
};

}  // namespace tandem::devices
