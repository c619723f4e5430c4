#include "devices/chardev/ring_char.h"

#include <algorithm>

namespace tandem::devices {

void RingChar::Write(std::span<const std::byte> data) {
  MutexLock lock(mu_);
  for (const std::byte byte : data) {
    if (bytes_.size() == size_) {
      bytes_.pop_front();
    }
    bytes_.push_back(static_cast<char>(byte));
  }
}

std::string RingChar::Take(size_t limit) {
  MutexLock lock(mu_);
  const size_t count = std::min(limit, bytes_.size());
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
  std::string text(bytes_.begin(), end);
  bytes_.erase(bytes_.begin(), end);
  return text;
}

size_t RingChar::Type(std::string_view text) {
  CharReceiver* receiver = receiver_.load();
  if (receiver == nullptr) {
    return 0;
  }
  const size_t count = std::min(text.size(), receiver->CanReceive());
  receiver->Receive(std::as_bytes(std::span(text.data(), count)));
  return count;
}

}  // namespace tandem::devices
