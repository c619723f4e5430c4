#pragma once

#include <deque>

#include "devices/legacy/key_code.h"

namespace tandem::devices {

// A PS/2 keyboard: takes commands, answers with scan codes of set 1 or 2. Not locked: I8042 does.
class Ps2Keyboard {
 public:
  void Key(KeyCode key, bool is_down);
  void Command(u8 value);
  std::deque<u8>& output() { return output_; }
  void Reset();

 private:
  void Send(std::initializer_list<u8> bytes);
  void SendScan(KeyCode key, bool is_down);
  void Parameter(u8 value);
  void SetDefaults();

  std::deque<u8> output_;
  u8 awaited_ = 0;  // the command whose parameter comes next
  u8 scan_set_ = 2;
  bool is_scanning_ = true;
};

// What the 8042 makes of a byte of set 2 (IBM PS/2 Technical Reference, keyboard controller).
u8 TranslateScanCode(u8 set2);

}  // namespace tandem::devices
