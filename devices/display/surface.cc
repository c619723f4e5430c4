#include "devices/display/surface.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/log.h"

namespace tandem::devices {

Result<void> WritePpm(const Surface& surface, const std::string& path) {
  std::string data = fmt::format("P6\n{} {}\n255\n", surface.width, surface.height);
  data.reserve(data.size() + surface.pixels.size() * 3);
  for (const u32 pixel : surface.pixels) {
    data.push_back(static_cast<char>(pixel >> 16));
    data.push_back(static_cast<char>(pixel >> 8));
    data.push_back(static_cast<char>(pixel));
  }
  std::ofstream file(path, std::ios::binary);
  if (!file.write(data.data(), static_cast<std::streamsize>(data.size())).flush()) {
    return Fail("cannot write screen dump '{}': {}", path, std::strerror(errno));
  }
  return {};
}

}  // namespace tandem::devices
