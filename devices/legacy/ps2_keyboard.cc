#include "devices/legacy/ps2_keyboard.h"

#include <algorithm>
#include <array>

namespace tandem::devices {
namespace {

constexpr u8 kAck = 0xfa;
constexpr u8 kResend = 0xfe;
constexpr size_t kQueueLimit = 64;

// Indexed by the code of set 2.
constexpr std::array<u8, 128> kSet1{
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54};

u8 ToSet2(u8 set1) {
  if (set1 == 0x41) {
    return 0x83;  // F7, the one key beyond 0x7f
  }
  const auto at = std::find(kSet1.begin(), kSet1.end(), set1);
  return static_cast<u8>(at - kSet1.begin());
}

}  // namespace

u8 TranslateScanCode(u8 set2) {
  if (set2 < kSet1.size()) {
    return kSet1[set2];
  }
  return set2 == 0x83 ? 0x41 : set2 == 0x84 ? 0x54 : set2;
}

// All or nothing, so that no half sequence is left when the queue is full.
void Ps2Keyboard::Send(std::initializer_list<u8> bytes) {
  if (output_.size() + bytes.size() <= kQueueLimit) {
    output_.insert(output_.end(), bytes);
  }
}

void Ps2Keyboard::Key(KeyCode key, bool is_down) {
  if (is_scanning_) {
    SendScan(key, is_down);
  }
}

void Ps2Keyboard::SendScan(KeyCode key, bool is_down) {
  const bool is_set1 = scan_set_ == 1;
  if (key == KeyCode::kPause) {  // make and break at once
    if (is_down && is_set1) {
      Send({0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5});
    } else if (is_down) {
      Send({0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77});
    }
    return;
  }
  const bool is_extended = (static_cast<u8>(key) & 0x80) != 0;
  const u8 set1 = static_cast<u8>(key) & 0x7f;
  if (is_set1) {
    const u8 code = is_down ? set1 : set1 | 0x80;
    is_extended ? Send({0xe0, code}) : Send({code});
    return;
  }
  const u8 code = ToSet2(set1);
  if (is_down) {
    is_extended ? Send({0xe0, code}) : Send({code});
  } else {
    is_extended ? Send({0xe0, 0xf0, code}) : Send({0xf0, code});
  }
}

void Ps2Keyboard::SetDefaults() {
  scan_set_ = 2;
  is_scanning_ = true;
  awaited_ = 0;
}

void Ps2Keyboard::Reset() {
  SetDefaults();
  output_.clear();
}

void Ps2Keyboard::Parameter(u8 value) {
  const u8 command = awaited_;
  awaited_ = 0;
  Send({kAck});
  if (command == 0xf0 && value == 0) {
    Send({scan_set_});
  } else if (command == 0xf0 && value <= 3) {
    scan_set_ = value;
  }
}

// IBM PS/2 Technical Reference, "Keyboard Commands from the System".
void Ps2Keyboard::Command(u8 value) {
  if (awaited_ != 0 && value < 0xed) {
    Parameter(value);
    return;
  }
  awaited_ = 0;
  switch (value) {
    case 0xed:  // LEDs
    case 0xf0:  // scan code set
    case 0xf3:  // typematic rate
      awaited_ = value;
      Send({kAck});
      break;
    case 0xee:
      Send({0xee});
      break;
    case 0xf2:
      Send({kAck, 0xab, 0x83});
      break;
    case 0xf4:
      is_scanning_ = true;
      Send({kAck});
      break;
    case 0xf5:
      SetDefaults();
      is_scanning_ = false;
      Send({kAck});
      break;
    case 0xf6:
      SetDefaults();
      Send({kAck});
      break;
    case 0xff:
      Reset();
      Send({kAck, 0xaa});
      break;
    default:
      value >= 0xf7 && value <= 0xfd ? Send({kAck}) : Send({kResend});
      break;
  }
}

}  // namespace tandem::devices
