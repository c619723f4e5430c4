#include "devices/legacy/parallel.h"

namespace tandem::devices {
namespace {

constexpr u8 kStrobe = 0x01;
constexpr u8 kIrqEnable = 0x10;
constexpr u8 kReady = 0xdf;  // not busy, selected, no error, paper in
constexpr u8 kControlFixed = 0xc0;

}  // namespace

u8 ParallelPort::ReadByte(u64 offset) {
  switch (offset) {
    case 0:
      return data_;
    case 1:
      return kReady;
    default:
      return control_ | kControlFixed;
  }
}

// The printer takes the byte when the strobe goes up and acknowledges at once.
void ParallelPort::WriteByte(u64 offset, u8 value) {
  if (offset == 0) {
    data_ = value;
  } else if (offset == 2) {
    const bool strobes = (value & kStrobe) != 0 && (control_ & kStrobe) == 0;
    control_ = value & 0x3f;
    if (strobes) {
      const auto byte = static_cast<std::byte>(data_);
      backend_.Write({&byte, 1});
      if ((control_ & kIrqEnable) != 0) {
        irq_.Pulse();
      }
    }
  }
}

void ParallelPort::DoReset() {
  data_ = 0xff;
  control_ = 0x0c;
}

}  // namespace tandem::devices
