#include "devices/legacy/i8042.h"

#include "base/bits.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u8 kKeyboardInterrupt = 0x01;  // command byte
constexpr u8 kMouseInterrupt = 0x02;
constexpr u8 kSystemFlag = 0x04;
constexpr u8 kKeyboardDisabled = 0x10;
constexpr u8 kMouseDisabled = 0x20;
constexpr u8 kTranslates = 0x40;

constexpr u8 kOutputFull = 0x01;  // status
constexpr u8 kLastWasCommand = 0x08;
constexpr u8 kUnlocked = 0x10;
constexpr u8 kMouseOutputFull = 0x20;

constexpr u8 kNotReset = 0x01;  // output port
constexpr u8 kA20 = 0x02;

constexpr u8 kBreakPrefix = 0xf0;

}  // namespace

I8042::I8042(IrqLine keyboard_irq, IrqLine mouse_irq, std::function<void()> reset_requested)
    : keyboard_irq_(keyboard_irq),
      mouse_irq_(mouse_irq),
      reset_requested_(std::move(reset_requested)) {
  Reset();
}

void I8042::DoReset() {
  keyboard_.Reset();
  mouse_.Reset();
  ram_.fill(0);
  ram_[0] = kKeyboardInterrupt | kMouseInterrupt;
  pending_command_ = 0;
  output_port_ = kNotReset | kA20;
  last_was_command_ = false;
  source_ = Source::kNone;
  from_mouse_ = false;
  data_ = 0;
  is_break_ = false;
  UpdateIrqs();
}

void I8042::Key(KeyCode key, bool is_down) {
  MutexLock lock(mu_);
  keyboard_.Key(key, is_down);
  Fill();
}

void I8042::Pointer(int dx, int dy, int wheel, u8 buttons) {
  MutexLock lock(mu_);
  mouse_.Move(dx, dy, wheel, buttons);
  Fill();
}

u8 I8042::Status() const {
  u8 status = kUnlocked | (ram_[0] & kSystemFlag);
  if (source_ != Source::kNone) {
    status |= from_mouse_ ? kOutputFull | kMouseOutputFull : kOutputFull;
  }
  return last_was_command_ ? status | kLastWasCommand : status;
}

u8 I8042::ReadByte(u64 offset) { return offset == kCommandOffset ? Status() : TakeData(); }

u8 I8042::TakeData() {
  const u8 data = data_;
  source_ = Source::kNone;
  UpdateIrqs();  // the falling edge, so that the next byte is a new interrupt
  Fill();
  return data;
}

void I8042::WriteByte(u64 offset, u8 value) {
  last_was_command_ = offset == kCommandOffset;
  if (offset == kCommandOffset) {
    Command(value);
  } else {
    WriteData(value);
  }
  Fill();
}

// Puts the controller's own byte at port 0x60, ahead of what the devices have queued.
void I8042::Reply(u8 value) {
  source_ = Source::kController;
  from_mouse_ = false;
  data_ = value;
  UpdateIrqs();
}

// Moves the next byte of a device to port 0x60 if that is free.
void I8042::Fill() {
  while (source_ == Source::kNone && (ram_[0] & kKeyboardDisabled) == 0 &&
         !keyboard_.output().empty()) {
    FillFromKeyboard();
  }
  if (source_ == Source::kNone && (ram_[0] & kMouseDisabled) == 0 && !mouse_.output().empty()) {
    source_ = Source::kMouse;
    from_mouse_ = true;
    data_ = mouse_.output().front();
    mouse_.output().pop_front();
  }
  UpdateIrqs();
}

// With translation on, the prefix of a break code becomes bit 7 of the code.
void I8042::FillFromKeyboard() {
  u8 byte = keyboard_.output().front();
  keyboard_.output().pop_front();
  if ((ram_[0] & kTranslates) != 0) {
    if (byte == kBreakPrefix) {
      is_break_ = true;
      return;
    }
    byte = TranslateScanCode(byte) | (is_break_ ? 0x80 : 0);
    is_break_ = false;
  }
  source_ = Source::kKeyboard;
  from_mouse_ = false;
  data_ = byte;
}

void I8042::UpdateIrqs() {
  const bool is_full = source_ != Source::kNone;
  keyboard_irq_.Set(is_full && !from_mouse_ && (ram_[0] & kKeyboardInterrupt) != 0);
  mouse_irq_.Set(is_full && from_mouse_ && (ram_[0] & kMouseInterrupt) != 0);
}

u8 I8042::OutputPort() const {
  u8 port = output_port_;
  if (source_ != Source::kNone) {
    port |= from_mouse_ ? 0x20 : 0x10;
  }
  return port;
}

void I8042::WriteOutputPort(u8 value) {
  output_port_ = value & (kNotReset | kA20);
  if ((value & kNotReset) == 0) {
    reset_requested_();
  }
}

void I8042::Command(u8 value) {
  pending_command_ = 0;
  if (value >= 0x20 && value <= 0x3f) {
    Reply(ram_[value & 0x1f]);
    return;
  }
  if ((value >= 0x60 && value <= 0x7f) || (value >= 0xd1 && value <= 0xd4)) {
    pending_command_ = value;
    return;
  }
  if (value >= 0xf0) {  // pulses the output port's lines whose bits are zero
    if (!Bit(value, 0)) {
      reset_requested_();
    }
    return;
  }
  switch (value) {
    case 0xa7:
      ram_[0] |= kMouseDisabled;
      break;
    case 0xa8:
      ram_[0] &= static_cast<u8>(~kMouseDisabled);
      break;
    case 0xa9:  // interface tests: no error
    case 0xab:
      Reply(0x00);
      break;
    case 0xaa:
      ram_[0] |= kSystemFlag;
      Reply(0x55);
      break;
    case 0xad:
      ram_[0] |= kKeyboardDisabled;
      break;
    case 0xae:
      ram_[0] &= static_cast<u8>(~kKeyboardDisabled);
      break;
    case 0xc0:
      Reply(0x80);
      break;
    case 0xd0:
      Reply(OutputPort());
      break;
    case 0xdd:
      output_port_ &= static_cast<u8>(~kA20);
      break;
    case 0xdf:
      output_port_ |= kA20;
      break;
    default:
      Log(LogItem::kUnimp, "i8042: command {:#x} is not modelled", value);
      break;
  }
}

void I8042::WriteData(u8 value) {
  const u8 command = std::exchange(pending_command_, u8{0});
  if (command >= 0x60 && command <= 0x7f) {
    ram_[command & 0x1f] = value;
    return;
  }
  switch (command) {
    case 0xd1:
      WriteOutputPort(value);
      break;
    case 0xd2:
      Reply(value);
      break;
    case 0xd3:
      Reply(value);
      from_mouse_ = true;
      break;
    case 0xd4:
      mouse_.Command(value);
      break;
    default:
      ram_[0] &= static_cast<u8>(~kKeyboardDisabled);  // a byte for it switches the keyboard on
      keyboard_.Command(value);
      break;
  }
}

}  // namespace tandem::devices
