#pragma once

#include "devices/legacy/key_code.h"

namespace tandem::devices {

// Pointer buttons as bits.
inline constexpr u8 kButtonLeft = 1;
inline constexpr u8 kButtonRight = 2;
inline constexpr u8 kButtonMiddle = 4;

// Where keys and pointer movements go. Any thread, no device lock held.
class InputSink {
 public:
  virtual ~InputSink() = default;
  virtual void Key(KeyCode key, bool is_down) = 0;
  // Movement to the right, downwards and of the wheel (towards the user), and the buttons held.
  virtual void Pointer(int dx, int dy, int wheel, u8 buttons) = 0;
};

}  // namespace tandem::devices
