#pragma once

#include <array>
#include <deque>

#include "base/ints.h"

namespace tandem::devices {

// A PS/2 mouse with wheel (IntelliMouse protocol). Not locked: I8042 does.
class Ps2Mouse {
 public:
  void Move(int dx, int dy, int wheel, u8 buttons);
  void Command(u8 value);
  std::deque<u8>& output() { return output_; }
  void Reset();

 private:
  void Send(std::initializer_list<u8> bytes) { output_.insert(output_.end(), bytes); }
  void SendStatus();
  void SendPacket();
  void Parameter(u8 value);
  void SetDefaults();
  void NoteRate(u8 rate);

  std::deque<u8> output_;
  std::array<u8, 3> last_rates_{};  // three certain ones in a row unlock the wheel
  u8 awaited_ = 0;
  u8 id_ = 0;
  u8 rate_ = 100;
  u8 resolution_ = 2;
  bool is_scaled_ = false;
  bool is_reporting_ = false;
  bool is_remote_ = false;
  bool is_wrapping_ = false;
  int dx_ = 0;
  int dy_ = 0;
  int wheel_ = 0;
  u8 buttons_ = 0;
};

}  // namespace tandem::devices
