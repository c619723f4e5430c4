#include "devices/legacy/hpet.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u64 kCapabilities = 0x000;
constexpr u64 kConfig = 0x010;
constexpr u64 kStatus = 0x020;
constexpr u64 kCounter = 0x0f0;
constexpr u64 kFirstChannel = 0x100;
constexpr u64 kChannelStride = 0x20;

constexpr u64 kTickNs = 10;
constexpr u64 kPeriodFs = kTickNs * 1'000'000;
// Vendor 8086, legacy routing, 64-bit counter, three timers, revision 1.
constexpr u64 kCapabilityBits = kPeriodFs << 32 | 0x8086a201;

constexpr u64 kEnable = 1u << 0;
constexpr u64 kLegacy = 1u << 1;

constexpr u64 kLevel = 1u << 1;
constexpr u64 kInterrupts = 1u << 2;
constexpr u64 kPeriodic = 1u << 3;
constexpr u64 kPeriodicCapable = 1u << 4;
constexpr u64 kIs64Bit = 1u << 5;
constexpr u64 kSetsAccumulator = 1u << 6;
constexpr u64 kForced32Bit = 1u << 8;
constexpr u64 kChannelWritable = 0x3f4e;
constexpr u64 kRoutes = u64{1} << (32 + 2);  // pin 2 only: the others belong to PCI or ISA

constexpr u64 kChannelReset = kPeriodicCapable | kIs64Bit | kRoutes;

}  // namespace

Hpet::Hpet(Clock& clock, IrqChip& irq_chip, std::function<void(bool)> legacy_changed)
    : clock_(clock), irq_chip_(irq_chip), legacy_changed_(std::move(legacy_changed)) {
  for (u32 i = 0; i < kTimers; ++i) {
    channels_[i].config = kChannelReset;
    channels_[i].timer = std::make_unique<Timer>(clock_, [this, i] { OnTimer(i); });
  }
}

bool Hpet::IsEnabled() const { return (config_ & kEnable) != 0; }
bool Hpet::IsLegacy() const { return (config_ & kLegacy) != 0; }

void Hpet::DoReset() {
  ClearStatus(~u64{0});
  if (IsLegacy()) {
    legacy_changed_(false);
  }
  config_ = 0;
  counter_ = 0;
  for (u32 i = 0; i < kTimers; ++i) {
    Channel& channel = channels_[i];
    channel.config = kChannelReset;
    channel.comparator = ~u64{0};
    channel.period = 0;
    Schedule(i);
  }
}

u64 Hpet::Counter() const {
  return IsEnabled() ? counter_ + (clock_.NowNs() - start_ns_) / kTickNs : counter_;
}

// Legacy replacement: timer 0 is the PIT's interrupt, timer 1 the RTC's. Pin 2 is ISA interrupt 0.
Gsi Hpet::Route(u32 index) const {
  if (IsLegacy() && index <= 1) {
    return index == 0 ? 0 : 8;
  }
  const Gsi pin = static_cast<Gsi>(BitsOf(channels_[index].config, 9, 5));
  return pin == 2 ? 0 : pin;
}

void Hpet::Fire(u32 index) {
  const Channel& channel = channels_[index];
  if ((channel.config & kLevel) != 0) {
    status_ |= u64{1} << index;
  }
  if ((channel.config & kInterrupts) == 0) {
    return;
  }
  if ((channel.config & kLevel) != 0) {
    irq_chip_.SetLine(Route(index), true);
  } else {
    IrqLine(irq_chip_, Route(index)).Pulse();
  }
}

// When the counter next meets the comparator.
void Hpet::Schedule(u32 index) {
  Channel& channel = channels_[index];
  channel.due_ns.reset();
  if (!IsEnabled()) {
    channel.timer->Cancel();
    return;
  }
  u64 distance = channel.comparator - Counter();
  if ((channel.config & kForced32Bit) != 0) {
    distance &= 0xffffffff;
  }
  if (distance > (~u64{0} >> 2) / kTickNs) {
    channel.timer->Cancel();  // passed already, or a century away
    return;
  }
  // Rounded to the counter's own ticks, so that the handler sees the comparator reached.
  const u64 into_tick = (clock_.NowNs() - start_ns_) % kTickNs;
  channel.due_ns = clock_.NowNs() - into_tick + distance * kTickNs;
  channel.timer->Arm(*channel.due_ns);
}

void Hpet::ScheduleAll() {
  for (u32 i = 0; i < kTimers; ++i) {
    Schedule(i);
  }
}

void Hpet::OnTimer(u32 index) {
  MutexLock lock(mu_);
  Channel& channel = channels_[index];
  if (!channel.due_ns || clock_.NowNs() < *channel.due_ns) {
    return;
  }
  channel.due_ns.reset();
  if ((channel.config & kPeriodic) != 0 && channel.period != 0) {
    const u64 late = Counter() - channel.comparator;
    channel.comparator += (late / channel.period + 1) * channel.period;
    if ((channel.config & kForced32Bit) != 0) {
      channel.comparator &= 0xffffffff;
    }
    Schedule(index);
  }
  Fire(index);
}

void Hpet::DoRead(u64 offset, std::span<std::byte> data) {
  const u64 at = AlignDown(offset, 8);
  SetAccessValue(data, ReadQuad(at) >> (8 * (offset - at)));
}

u64 Hpet::ReadQuad(u64 at) const {
  switch (at) {
    case kCapabilities:
      return kCapabilityBits;
    case kConfig:
      return config_;
    case kStatus:
      return status_;
    case kCounter:
      return Counter();
    default:
      break;
  }
  const u64 index = (at - kFirstChannel) / kChannelStride;
  if (at < kFirstChannel || index >= kTimers) {
    return 0;
  }
  const u64 reg = at % kChannelStride;
  return reg == 0 ? channels_[index].config : reg == 8 ? channels_[index].comparator : 0;
}

void Hpet::DoWrite(u64 offset, std::span<const std::byte> data) {
  const u64 at = AlignDown(offset, 8);
  const unsigned shift = 8 * static_cast<unsigned>(offset - at);
  const u64 bytes = data.size() >= 8 ? ~u64{0} : (u64{1} << (8 * data.size())) - 1;
  WriteQuad(at, AccessValue(data) << shift, bytes << shift);
}

// mask: the bits that the access covers.
void Hpet::WriteQuad(u64 at, u64 value, u64 mask) {
  switch (at) {
    case kConfig:
      WriteConfig((config_ & ~mask) | (value & mask));
      return;
    case kStatus:
      ClearStatus(value & mask);
      return;
    case kCounter:
      counter_ = (Counter() & ~mask) | (value & mask);
      start_ns_ = clock_.NowNs();
      ScheduleAll();
      return;
    default:
      break;
  }
  const u64 index = (at - kFirstChannel) / kChannelStride;
  if (at >= kFirstChannel && index < kTimers) {
    WriteChannel(static_cast<u32>(index), at % kChannelStride, value, mask);
  }
}

void Hpet::WriteConfig(u64 value) {
  const bool was_legacy = IsLegacy();
  counter_ = Counter();
  start_ns_ = clock_.NowNs();
  config_ = value & (kEnable | kLegacy);
  if (was_legacy != IsLegacy()) {
    legacy_changed_(IsLegacy());
  }
  ScheduleAll();
}

void Hpet::ClearStatus(u64 bits) {
  for (u32 i = 0; i < kTimers; ++i) {
    if (Bit(status_ & bits, i)) {
      status_ &= ~(u64{1} << i);
      irq_chip_.SetLine(Route(i), false);
    }
  }
}

void Hpet::WriteChannel(u32 index, u64 reg, u64 value, u64 mask) {
  Channel& channel = channels_[index];
  if (reg == 0) {
    const u64 writable = kChannelWritable & mask;
    channel.config = (channel.config & ~writable) | (value & writable);
    if ((channel.config & kForced32Bit) != 0) {
      channel.comparator &= 0xffffffff;
      channel.period &= 0xffffffff;
    }
  } else if (reg == 8) {
    WriteComparator(channel, value, mask);
  }
  Schedule(index);
}

// In periodic mode a write is the period, and the next match as well after VAL_SET (2.3.9.2.2).
void Hpet::WriteComparator(Channel& channel, u64 value, u64 mask) {
  const bool is_periodic = (channel.config & kPeriodic) != 0;
  const u64 limit = (channel.config & kForced32Bit) != 0 ? 0xffffffff : ~u64{0};
  if (!is_periodic || (channel.config & kSetsAccumulator) != 0) {
    channel.comparator = ((channel.comparator & ~mask) | (value & mask)) & limit;
  }
  if (is_periodic) {
    channel.period = ((channel.period & ~mask) | (value & mask)) & limit;
  }
  channel.config &= ~kSetsAccumulator;
}

}  // namespace tandem::devices
