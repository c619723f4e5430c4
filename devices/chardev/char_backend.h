#pragma once

#include <span>

#include "base/ints.h"

namespace tandem::devices {

enum class CharEvent : u8 { kOpened, kClosed, kBreak };

// The device end of a character stream. Called on the event loop's thread with no lock held.
class CharReceiver {
 public:
  virtual ~CharReceiver() = default;
  // How many bytes Receive would take now. Zero stops input until ResumeInput().
  virtual size_t CanReceive() = 0;
  virtual void Receive(std::span<const std::byte> data) = 0;
  virtual void OnCharEvent(CharEvent event) = 0;
};

// The host end of a character stream. All calls: any thread, device locks may be held. A back end
// is destroyed on the loop's thread or when the loop runs no more.
class CharBackend {
 public:
  virtual ~CharBackend() = default;
  // Takes all bytes; what the host cannot take at once is queued, and dropped beyond a megabyte.
  virtual void Write(std::span<const std::byte> data) = 0;
  // The receiver outlives the back end or is taken away with null. One at a time.
  virtual void SetReceiver(CharReceiver* receiver) = 0;
  // The receiver has room again.
  virtual void ResumeInput() = 0;
};

}  // namespace tandem::devices
