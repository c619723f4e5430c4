#include "devices/legacy/ps2_mouse.h"

#include <algorithm>

namespace tandem::devices {
namespace {

constexpr u8 kAck = 0xfa;
constexpr size_t kQueueLimit = 16;  // movement beyond that adds up instead

}  // namespace

void Ps2Mouse::SetDefaults() {
  rate_ = 100;
  resolution_ = 2;
  is_scaled_ = false;
  is_reporting_ = false;
  is_remote_ = false;
  awaited_ = 0;
}

void Ps2Mouse::Reset() {
  SetDefaults();
  output_.clear();
  id_ = 0;
  last_rates_ = {};
  is_wrapping_ = false;
  dx_ = dy_ = wheel_ = 0;
}

void Ps2Mouse::Move(int dx, int dy, int wheel, u8 buttons) {
  constexpr int kLimit = 1 << 20;
  dx_ = std::clamp(dx_ + std::clamp(dx, -kLimit, kLimit), -kLimit, kLimit);
  dy_ = std::clamp(dy_ - std::clamp(dy, -kLimit, kLimit), -kLimit, kLimit);  // upwards is positive
  wheel_ = std::clamp(wheel_ + std::clamp(wheel, -kLimit, kLimit), -kLimit, kLimit);
  const bool pressed = buttons != buttons_;
  buttons_ = buttons & 7;
  if (!is_reporting_ || is_remote_ || is_wrapping_) {
    return;
  }
  if (pressed || dx_ != 0 || dy_ != 0 || wheel_ != 0) {
    if (output_.size() < kQueueLimit) {
      SendPacket();
    }
  }
}

void Ps2Mouse::SendPacket() {
  const int dx = std::clamp(dx_, -255, 255);
  const int dy = std::clamp(dy_, -255, 255);
  const int wheel = std::clamp(wheel_, -8, 7);
  const u8 signs = static_cast<u8>((dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0));
  Send({static_cast<u8>(0x08 | signs | buttons_), static_cast<u8>(dx), static_cast<u8>(dy)});
  if (id_ == 3) {
    Send({static_cast<u8>(wheel)});
  } else if (id_ == 4) {
    Send({static_cast<u8>(wheel & 0xf)});
  }
  dx_ -= dx;
  dy_ -= dy;
  wheel_ -= wheel;
}

void Ps2Mouse::SendStatus() {
  const u8 state = static_cast<u8>(is_remote_ << 6 | is_reporting_ << 5 | is_scaled_ << 4 |
                                   (buttons_ & 1) << 2 | (buttons_ & 4) >> 1 | (buttons_ & 2) >> 1);
  Send({kAck, state, resolution_, rate_});
}

void Ps2Mouse::NoteRate(u8 rate) {
  rate_ = rate;
  last_rates_ = {last_rates_[1], last_rates_[2], rate};
  if (last_rates_ == std::array<u8, 3>{200, 100, 80}) {
    id_ = 3;
  } else if (last_rates_ == std::array<u8, 3>{200, 200, 80} && id_ == 3) {
    id_ = 4;
  }
}

void Ps2Mouse::Parameter(u8 value) {
  const u8 command = awaited_;
  awaited_ = 0;
  if (command == 0xf3) {
    NoteRate(value);
  } else {
    resolution_ = value & 3;
  }
  Send({kAck});
}

// IBM PS/2 Technical Reference, "Mouse Commands".
void Ps2Mouse::Command(u8 value) {
  if (is_wrapping_ && value != 0xec && value != 0xff) {
    Send({value});
    return;
  }
  if (awaited_ != 0) {
    Parameter(value);
    return;
  }
  switch (value) {
    case 0xe6:
    case 0xe7:
      is_scaled_ = value == 0xe7;
      break;
    case 0xe8:
    case 0xf3:
      awaited_ = value;
      break;
    case 0xe9:
      SendStatus();
      return;
    case 0xea:
      is_remote_ = false;
      break;
    case 0xeb:
      Send({kAck});
      SendPacket();
      return;
    case 0xec:
    case 0xee:
      is_wrapping_ = value == 0xee;
      break;
    case 0xf0:
      is_remote_ = true;
      break;
    case 0xf2:
      Send({kAck, id_});
      return;
    case 0xf4:
    case 0xf5:
      is_reporting_ = value == 0xf4;
      break;
    case 0xf6:
      SetDefaults();
      break;
    case 0xff:
      Reset();
      Send({kAck, 0xaa, 0x00});
      return;
    default:
      Send({0xfe});
      return;
  }
  Send({kAck});
}

}  // namespace tandem::devices
