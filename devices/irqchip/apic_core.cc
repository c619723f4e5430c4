#include "devices/irqchip/apic_core.h"

#include "base/bits.h"
#include "base/log.h"

namespace tandem::devices {
namespace {

constexpr u64 kBaseAddress = 0xfee00000;
constexpr u64 kBaseEnable = 1u << 11;
constexpr u64 kBaseBootstrap = 1u << 8;

constexpr u32 kLvtMasked = 1u << 16;
constexpr u32 kFlatModel = 0xf;
constexpr u32 kErrorReceivedIllegalVector = 1u << 6;

DeliveryMode ModeOf(u32 lvt) { return static_cast<DeliveryMode>(BitsOf(lvt, 8, 3)); }

}  // namespace

ApicCore::ApicCore(VcpuId id, Clock& clock, ApicBus& bus, std::function<void()> on_timer)
    : id_(id), clock_(clock), bus_(bus), timer_(clock, std::move(on_timer)) {
  Reset();
}

void ApicCore::Reset() {
  base_ = kBaseAddress | kBaseEnable | (id_ == 0 ? kBaseBootstrap : 0);
  xapic_id_ = static_cast<u8>(id_);
  Init();
}

void ApicCore::Init() {
  StopTimer();
  tpr_ = 0;
  svr_ = 0xff;
  ldr_ = 0;
  dfr_ = 0xffffffff;
  isr_ = irr_ = tmr_ = VectorSet{};
  lvt_.fill(kLvtMasked);
  if (id_ == 0) {
    lvt_[kLint0] = static_cast<u32>(DeliveryMode::kExtInt) << 8;  // virtual wire: MP spec 3.6.2.1
  }
  icr_low_ = icr_high_ = 0;
  esr_ = errors_ = 0;
  divide_ = 0;
  initial_count_ = 0;
  deadline_ = 0;
}

u32 ApicCore::LogicalId() const { return IsX2() ? (id_ >> 4) << 16 | 1u << (id_ & 15) : ldr_; }

bool ApicCore::MatchesLogical(const ApicMessage& message) const {
  const u32 id = LogicalId();
  const u32 wanted = message.destination;
  if (IsX2()) {
    return id >> 16 == wanted >> 16 && (id & wanted & 0xffff) != 0;
  }
  if (wanted > 0xff) {
    return false;
  }
  if (dfr_ >> 28 == kFlatModel) {
    return (id >> 24 & wanted) != 0;
  }
  return id >> 28 == wanted >> 4 && (id >> 24 & wanted & 0xf) != 0;
}

bool ApicCore::IsAddressedBy(const ApicMessage& message) const {
  switch (message.shorthand) {
    case Shorthand::kSelf:
      return message.source == id_;
    case Shorthand::kAll:
      return true;
    case Shorthand::kOthers:
      return message.source != id_;
    default:
      break;
  }
  if (message.destination == (message.is_wide ? 0xffffffff : 0xff)) {
    return true;
  }
  return message.is_logical ? MatchesLogical(message)
                            : message.destination == (IsX2() ? id_ : xapic_id_);
}

u8 ApicCore::ProcessorPriority() const {
  const int service = isr_.Highest();
  const u8 service_class = service < 0 ? 0 : static_cast<u8>(service & 0xf0);
  return (tpr_ & 0xf0) >= service_class ? tpr_ : service_class;
}

void ApicCore::Accept(u8 vector, bool is_level) {
  if (!IsEnabled()) {
    return;
  }
  if (vector < 16) {
    RaiseError(kErrorReceivedIllegalVector);
    return;
  }
  irr_.Set(vector, true);
  tmr_.Set(vector, is_level);
}

std::optional<u8> ApicCore::PendingVector() const {
  const int vector = irr_.Highest();
  if (!IsEnabled() || vector < 0 || (vector & 0xf0) <= (ProcessorPriority() & 0xf0)) {
    return std::nullopt;
  }
  return static_cast<u8>(vector);
}

u8 ApicCore::TakeVector() {
  const u8 vector = *PendingVector();
  irr_.Set(vector, false);
  isr_.Set(vector, true);
  return vector;
}

void ApicCore::EndOfInterrupt() {
  const int highest = isr_.Highest();
  if (highest < 0) {
    return;
  }
  const u8 vector = static_cast<u8>(highest);
  isr_.Set(vector, false);
  if (tmr_.Has(vector)) {
    bus_.EndOfInterrupt(vector);
  }
}

bool ApicCore::AcceptsExtInt() const {
  const u32 lint0 = lvt_[kLint0];
  return !IsHardwareEnabled() ||
         ((lint0 & kLvtMasked) == 0 && ModeOf(lint0) == DeliveryMode::kExtInt);
}

void ApicCore::OnLint0Edge() {
  if (IsHardwareEnabled() && ModeOf(lvt_[kLint0]) != DeliveryMode::kExtInt) {
    RaiseLvt(kLint0);
  }
}

void ApicCore::RaiseLvt(u32 lvt) {
  const u32 entry = lvt_[lvt];
  if ((entry & kLvtMasked) != 0) {
    return;
  }
  const bool has_mode = lvt != kTimer && lvt != kError;
  const DeliveryMode mode = has_mode ? ModeOf(entry) : DeliveryMode::kFixed;
  if (mode == DeliveryMode::kFixed) {
    Accept(static_cast<u8>(entry), /*is_level=*/false);
  } else {
    bus_.Deliver({.mode = mode, .shorthand = Shorthand::kSelf, .source = id_});
  }
}

// An error interrupt with an illegal vector raises the error again; once is enough.
void ApicCore::RaiseError(u32 bit) {
  const bool is_new = (errors_ & bit) == 0;
  errors_ |= bit;
  if (is_new && !is_raising_error_) {
    is_raising_error_ = true;
    RaiseLvt(kError);
    is_raising_error_ = false;
  }
}

}  // namespace tandem::devices
