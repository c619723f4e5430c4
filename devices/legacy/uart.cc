#include "devices/legacy/uart.h"

#include <array>

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u64 kData = 0;
constexpr u64 kInterruptEnable = 1;
constexpr u64 kInterruptId = 2;  // written: FIFO control
constexpr u64 kLineControl = 3;
constexpr u64 kModemControl = 4;
constexpr u64 kLineStatus = 5;
constexpr u64 kModemStatus = 6;

constexpr u8 kEnableReceived = 1u << 0;
constexpr u8 kEnableThrEmpty = 1u << 1;
constexpr u8 kEnableLineStatus = 1u << 2;
constexpr u8 kEnableModemStatus = 1u << 3;

constexpr u8 kNoInterrupt = 0x01;
constexpr u8 kIdModemStatus = 0x00;
constexpr u8 kIdThrEmpty = 0x02;
constexpr u8 kIdReceived = 0x04;
constexpr u8 kIdLineStatus = 0x06;
constexpr u8 kIdTimeout = 0x0c;
constexpr u8 kIdFifosOn = 0xc0;

constexpr u8 kDivisorLatch = 1u << 7;

constexpr u8 kLoop = 1u << 4;

constexpr u8 kDataReady = 1u << 0;
constexpr u8 kOverrun = 1u << 1;
constexpr u8 kBreak = 1u << 4;
constexpr u8 kTransmitterIdle = 0x60;  // holding and shift register empty

constexpr u8 kRingEdge = 1u << 2;
constexpr u8 kPeerPresent = 0xb0;  // DCD, DSR and CTS: somebody is always at the other end

constexpr std::array<size_t, 4> kTriggerLevels{1, 4, 8, 14};

}  // namespace

Uart::Uart(IrqLine irq, CharBackend& backend) : irq_(irq), backend_(backend) {
  Reset();
  backend_.SetReceiver(this);
}

Uart::~Uart() { backend_.SetReceiver(nullptr); }

void Uart::DoReset() {
  received_.clear();
  interrupt_enable_ = 0;
  fifo_control_ = 0;
  line_control_ = 0;
  modem_control_ = 0x08;
  line_errors_ = 0;
  modem_status_ = kPeerPresent;
  scratch_ = 0;
  divisor_ = 12;
  thr_empty_pending_ = false;
  UpdateIrq();
  backend_.ResumeInput();
}

bool Uart::IsFifoOn() const { return Bit(fifo_control_, 0); }
bool Uart::IsLooped() const { return (modem_control_ & kLoop) != 0; }

// The most urgent cause, without the FIFO bits.
u8 Uart::InterruptId() const {
  if ((interrupt_enable_ & kEnableLineStatus) != 0 && line_errors_ != 0) {
    return kIdLineStatus;
  }
  if ((interrupt_enable_ & kEnableReceived) != 0 && !received_.empty()) {
    const bool below = IsFifoOn() && received_.size() < kTriggerLevels[fifo_control_ >> 6];
    return below ? kIdTimeout : kIdReceived;
  }
  if ((interrupt_enable_ & kEnableThrEmpty) != 0 && thr_empty_pending_) {
    return kIdThrEmpty;
  }
  if ((interrupt_enable_ & kEnableModemStatus) != 0 && (modem_status_ & 0x0f) != 0) {
    return kIdModemStatus;
  }
  return kNoInterrupt;
}

void Uart::UpdateIrq() { irq_.Set(InterruptId() != kNoInterrupt); }

u8 Uart::ReadByte(u64 offset) {
  const bool shows_divisor = (line_control_ & kDivisorLatch) != 0;
  switch (offset) {
    case kData:
      return shows_divisor ? static_cast<u8>(divisor_) : TakeReceived();
    case kInterruptEnable:
      return shows_divisor ? static_cast<u8>(divisor_ >> 8) : interrupt_enable_;
    case kInterruptId:
      return ReadInterruptId();
    case kLineControl:
      return line_control_;
    case kModemControl:
      return modem_control_;
    case kLineStatus:
      return ReadLineStatus();
    case kModemStatus:
      return ReadModemStatus();
    default:
      return scratch_;
  }
}

u8 Uart::TakeReceived() {
  if (received_.empty()) {
    return 0;
  }
  const u8 byte = received_.front();
  received_.pop_front();
  if (received_.empty() && refused_input_) {
    refused_input_ = false;
    backend_.ResumeInput();
  }
  UpdateIrq();
  return byte;
}

// Naming the transmitter's interrupt ends it.
u8 Uart::ReadInterruptId() {
  const u8 id = InterruptId();
  if (id == kIdThrEmpty) {
    thr_empty_pending_ = false;
    UpdateIrq();
  }
  return IsFifoOn() ? id | kIdFifosOn : id;
}

u8 Uart::ReadLineStatus() {
  const u8 status = line_errors_ | kTransmitterIdle | (received_.empty() ? 0 : kDataReady);
  line_errors_ = 0;
  UpdateIrq();
  return status;
}

u8 Uart::ReadModemStatus() {
  const u8 status = modem_status_;
  modem_status_ &= 0xf0;
  UpdateIrq();
  return status;
}

void Uart::WriteByte(u64 offset, u8 value) {
  const bool to_divisor = (line_control_ & kDivisorLatch) != 0;
  switch (offset) {
    case kData:
      if (to_divisor) {
        divisor_ = static_cast<u16>((divisor_ & 0xff00) | value);
      } else {
        Transmit(value);
      }
      break;
    case kInterruptEnable:
      if (to_divisor) {
        divisor_ = static_cast<u16>((divisor_ & 0x00ff) | value << 8);
      } else {
        WriteInterruptEnable(value);
      }
      break;
    case kInterruptId:
      WriteFifoControl(value);
      break;
    case kLineControl:
      line_control_ = value;
      break;
    case kModemControl:
      WriteModemControl(value);
      break;
    case kLineStatus:
    case kModemStatus:
      break;
    default:
      scratch_ = value;
      break;
  }
}

void Uart::Transmit(u8 byte) {
  if (IsLooped()) {
    PutReceived(byte);
  } else {
    const auto data = static_cast<std::byte>(byte);
    backend_.Write({&data, 1});
  }
  thr_empty_pending_ = true;
  UpdateIrq();
}

// Switching the transmitter's interrupt on while it is idle raises it; drivers probe for that.
void Uart::WriteInterruptEnable(u8 value) {
  const u8 switched_on = value & ~interrupt_enable_;
  interrupt_enable_ = value & 0x0f;
  if ((switched_on & kEnableThrEmpty) != 0) {
    thr_empty_pending_ = true;
  }
  UpdateIrq();
}

void Uart::WriteFifoControl(u8 value) {
  const bool toggles = Bit(value ^ fifo_control_, 0);
  if (toggles || Bit(value, 1)) {
    received_.clear();
    backend_.ResumeInput();
  }
  fifo_control_ = Bit(value, 0) ? value & 0xc9 : 0;
  UpdateIrq();
}

void Uart::WriteModemControl(u8 value) {
  const bool was_looped = IsLooped();
  modem_control_ = value & 0x1f;
  if (IsLooped()) {  // DTR, RTS, OUT1 and OUT2 come back as DSR, CTS, RI and DCD
    const u8 lines = static_cast<u8>(Bit(value, 1) << 4 | Bit(value, 0) << 5 | Bit(value, 2) << 6 |
                                     Bit(value, 3) << 7);
    SetModemLines(lines);
  } else if (was_looped) {
    SetModemLines(kPeerPresent);
    backend_.ResumeInput();
  }
}

void Uart::SetModemLines(u8 lines) {
  const u8 old = modem_status_;
  u8 deltas = (old & 0x0f) | ((old ^ lines) >> 4);
  if (Bit(lines, 6)) {
    deltas = static_cast<u8>((deltas & ~kRingEdge) |
                             (old & kRingEdge));  // only RI's falling edge counts
  }
  modem_status_ = lines | deltas;
  UpdateIrq();
}

size_t Uart::CanReceive() {
  MutexLock lock(mu_);
  const size_t held = received_.size();
  const size_t room = IsLooped() || held >= FifoSize() ? 0 : FifoSize() - held;
  refused_input_ = room == 0;
  return room;
}

void Uart::Receive(std::span<const std::byte> data) {
  MutexLock lock(mu_);
  for (const std::byte byte : data) {
    PutReceived(static_cast<u8>(byte));
  }
  UpdateIrq();
}

void Uart::PutReceived(u8 byte) {
  if (received_.size() >= FifoSize()) {
    line_errors_ |= kOverrun;
    if (!IsFifoOn()) {
      received_.back() = byte;  // the data sheet: without FIFOs the old character is lost
    }
    return;
  }
  received_.push_back(byte);
}

void Uart::OnCharEvent(CharEvent event) {
  if (event == CharEvent::kBreak) {
    MutexLock lock(mu_);
    PutReceived(0);
    line_errors_ |= kBreak;
    UpdateIrq();
  }
}

}  // namespace tandem::devices
