#pragma once

#include <span>

#include "base/ints.h"

namespace tandem::devices {

struct Rect {
  u32 x = 0;
  u32 y = 0;
  u32 width = 0;
  u32 height = 0;
};

// A picture lent for one call: rows of 0x00rrggbb pixels without gaps.
struct Frame {
  u32 width = 0;
  u32 height = 0;
  std::span<const u32> pixels;
};

// A window, a VNC server, or whatever else shows what the guest draws. Called on the thread that
// asked for the refresh, with no device lock held.
class DisplaySink {
 public:
  virtual ~DisplaySink() = default;
  // dirty holds all that has changed since the last call; the size may have changed too.
  virtual void Present(const Frame& frame, Rect dirty) = 0;
};

}  // namespace tandem::devices
