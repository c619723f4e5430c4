#pragma once

#include <string>
#include <vector>

#include "base/ints.h"
#include "base/result.h"

namespace tandem::devices {

// A picture: rows of 0x00rrggbb pixels without gaps.
struct Surface {
  u32 width = 0;
  u32 height = 0;
  std::vector<u32> pixels;

  void Resize(u32 new_width, u32 new_height) {
    width = new_width;
    height = new_height;
    pixels.resize(size_t{width} * height);
  }
  u32* Row(u32 y) { return pixels.data() + size_t{y} * width; }
  u32 At(u32 x, u32 y) const { return pixels[size_t{y} * width + x]; }
};

// Writes surface as a binary portable pixmap (P6), as the monitor's screendump does.
Result<void> WritePpm(const Surface& surface, const std::string& path);

}  // namespace tandem::devices
