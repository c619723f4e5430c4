#pragma once

#include <deque>

#include "devices/bus/irq.h"
#include "devices/chardev/char_backend.h"
#include "devices/legacy/byte_device.h"

namespace tandem::devices {

// A 16550A serial port (National Semiconductor PC16550D data sheet), 8 ports. Characters leave at
// once; arriving ones wait at the back end while the receiver FIFO is full. An interrupt for fewer
// characters than the trigger level comes at once too, as the character time-out.
class Uart final : public ByteDevice, private CharReceiver {
 public:
  static constexpr u64 kLength = 8;

  // The back end outlives it.
  Uart(IrqLine irq, CharBackend& backend);
  ~Uart() override;

 private:
  // ByteDevice
  u8 ReadByte(u64 offset) override;
  void WriteByte(u64 offset, u8 value) override;
  void DoReset() override;
  // CharReceiver
  size_t CanReceive() override;
  void Receive(std::span<const std::byte> data) override;
  void OnCharEvent(CharEvent event) override;

  bool IsFifoOn() const;
  bool IsLooped() const;
  size_t FifoSize() const { return IsFifoOn() ? 16 : 1; }
  u8 TakeReceived();
  void PutReceived(u8 byte);
  void Transmit(u8 byte);
  u8 InterruptId() const;
  u8 ReadInterruptId();
  u8 ReadLineStatus();
  u8 ReadModemStatus();
  void WriteInterruptEnable(u8 value);
  void WriteFifoControl(u8 value);
  void WriteModemControl(u8 value);
  void SetModemLines(u8 lines);
  void UpdateIrq();

  const IrqLine irq_;
  CharBackend& backend_;
  std::deque<u8> received_;
  u8 interrupt_enable_ = 0;
  u8 fifo_control_ = 0;
  u8 line_control_ = 0;
  u8 modem_control_ = 0;
  u8 line_errors_ = 0;  // overrun and break, until LSR is read
  u8 modem_status_ = 0;
  u8 scratch_ = 0;
  u16 divisor_ = 0;
  bool thr_empty_pending_ = false;  // the transmitter's interrupt, until IIR tells of it
  bool refused_input_ = false;
};

}  // namespace tandem::devices
