#pragma once

#include <array>
#include <functional>
#include <optional>

#include "devices/bus/irq.h"
#include "devices/legacy/byte_device.h"
#include "devices/legacy/input_sink.h"
#include "devices/legacy/ps2_keyboard.h"
#include "devices/legacy/ps2_mouse.h"

namespace tandem::devices {

// The PS/2 keyboard controller with a keyboard and a mouse: ports 0x60 (device offset 0) and 0x64
// (kCommandOffset). The A20 gate is stored but always open.
class I8042 final : public ByteDevice, public InputSink {
 public:
  static constexpr u64 kDataPort = 0x60;
  static constexpr u64 kCommandPort = 0x64;
  static constexpr u64 kCommandOffset = 4;

  // reset_requested: the output port's reset line was pulled; called with the lock held.
  I8042(IrqLine keyboard_irq, IrqLine mouse_irq, std::function<void()> reset_requested);

  // InputSink
  void Key(KeyCode key, bool is_down) override;
  void Pointer(int dx, int dy, int wheel, u8 buttons) override;

 private:
  enum class Source : u8 { kNone, kController, kKeyboard, kMouse };

  u8 ReadByte(u64 offset) override;
  void WriteByte(u64 offset, u8 value) override;
  void DoReset() override;
  u8 Status() const;
  u8 TakeData();
  void Command(u8 value);
  void WriteData(u8 value);
  void Reply(u8 value);
  void WriteOutputPort(u8 value);
  u8 OutputPort() const;
  void Fill();
  void FillFromKeyboard();
  void UpdateIrqs();

  const IrqLine keyboard_irq_;
  const IrqLine mouse_irq_;
  const std::function<void()> reset_requested_;
  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  std::array<u8, 32> ram_{};  // byte 0 is the command byte
  u8 pending_command_ = 0;    // whose parameter port 0x60 expects
  u8 output_port_ = 0x03;
  bool last_was_command_ = false;
  Source source_ = Source::kNone;  // whose byte waits at port 0x60
  bool from_mouse_ = false;        // shown as the mouse's, whoever sent it
  u8 data_ = 0;
  bool is_break_ = false;  // 0xf0 came: the translated code gets bit 7
};

}  // namespace tandem::devices
