// api.rst: KVM_CREATE_PIT2, KVM_GET_PIT2, KVM_SET_PIT2; Intel data sheet 231164 for the 8254.
#include "accel/kvm/kernel_pit.h"

#include <time.h>

#include <cstring>

#include "accel/kvm/ioctl.h"
#include "base/log.h"

namespace tandem::accel::kvm {
namespace {

using devices::PitChannelState;

constexpr u64 kHz = 1193182;
constexpr u64 kNsPerSecond = 1'000'000'000;
constexpr u8 kNoMode = 0xff;
// How KVM counts the bytes of an access.
enum ByteState : u8 { kLowByte = 1, kHighByte = 2, kFirstOfTwo = 3, kSecondOfTwo = 4 };
// Added to a count it moves its end an hour away, and leaves what software reads as it is.
constexpr u32 kFarAway = 0xffff0000;

u64 TicksSince(i64 start_ns) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const i64 ns = now.tv_sec * static_cast<i64>(kNsPerSecond) + now.tv_nsec - start_ns;
  return ns < 0 ? 0 : static_cast<u64>(static_cast<unsigned __int128>(ns) * kHz / kNsPerSecond);
}

bool IsPeriodic(u8 mode) { return (mode & 3) == 2 || (mode & 3) == 3; }

PitChannelState FromKvm(const kvm_pit_channel_state& from, bool is_elapsed_known) {
  PitChannelState to;
  to.gate = from.gate != 0;
  to.is_programmed = to.is_loaded = from.mode != kNoMode;
  to.is_running = to.is_loaded && to.gate;
  if (to.is_programmed) {
    to.mode = from.mode > 5 ? from.mode - 4 : from.mode;
    to.access = static_cast<PitChannelState::Access>(from.rw_mode);
  }
  to.is_bcd = from.bcd != 0;
  to.count = static_cast<u16>(from.count);
  if (is_elapsed_known) {
    to.elapsed_ticks = TicksSince(from.count_load_time);
  }
  const u8 next = from.count_latched != 0 ? from.count_latched : from.read_state;
  to.reads_high_next = next == kHighByte || next == kSecondOfTwo;
  to.writes_high_next = from.write_state == kHighByte || from.write_state == kSecondOfTwo;
  to.low_written = from.write_latch;
  if (from.count_latched != 0) {
    to.latched_count = from.latched_count;
  }
  if (from.status_latched != 0) {
    to.latched_status = from.status;
  }
  return to;
}

// KVM begins to count when it is loaded. One that counts once is given what is left; when nothing
// is, its interrupt (channel 0) must not come again, or its output (the others) be high.
u32 CountFor(const PitChannelState& from, bool has_interrupt) {
  const u32 whole = from.count == 0 ? 0x10000 : from.count;
  if (!from.is_loaded || !from.elapsed_ticks || IsPeriodic(from.mode)) {
    return whole;
  }
  if (*from.elapsed_ticks < whole) {
    return whole - static_cast<u32>(*from.elapsed_ticks);
  }
  return has_interrupt ? static_cast<u16>(whole - *from.elapsed_ticks) | kFarAway : 1;
}

kvm_pit_channel_state ToKvm(const PitChannelState& from, bool has_interrupt) {
  kvm_pit_channel_state to{};
  to.count = CountFor(from, has_interrupt);
  to.gate = from.gate;
  to.mode = from.is_programmed ? from.mode : kNoMode;
  to.bcd = from.is_bcd;
  to.rw_mode = static_cast<u8>(from.access);
  const bool is_both = from.access == PitChannelState::Access::kBoth;
  const auto state = [&](bool is_high) -> u8 {
    return !is_both ? to.rw_mode : u8{is_high ? kSecondOfTwo : kFirstOfTwo};
  };
  to.read_state = state(from.reads_high_next);
  to.write_state = state(from.writes_high_next);
  to.write_latch = from.low_written;
  if (from.latched_count) {
    to.latched_count = *from.latched_count;
    to.count_latched = is_both && from.reads_high_next ? u8{kHighByte} : to.rw_mode;
  }
  to.status_latched = from.latched_status.has_value();
  to.status = from.latched_status.value_or(0);
  return to;
}

}  // namespace

Result<void> KernelPit::Create() {
  kvm_pit_config config{};
  config.flags = KVM_PIT_SPEAKER_DUMMY;  // port 0x61 too
  if (Call(vm_.fd(), KVM_CREATE_PIT2, &config) != 0) {
    return Fail("kvm: no timer in the kernel: {}; use kernel-irqchip=split", std::strerror(errno));
  }
  power_on_ = Get();
  return {};
}

kvm_pit_state2 KernelPit::Get() const {
  kvm_pit_state2 state{};
  MustCall(vm_.fd(), KVM_GET_PIT2, &state);
  return state;
}

void KernelPit::Set(kvm_pit_state2 state) const { MustCall(vm_.fd(), KVM_SET_PIT2, &state); }

void KernelPit::Reset() { Set(power_on_); }

void KernelPit::SetIrqEnabled(bool enabled) {
  kvm_pit_state2 state = Get();
  state.flags = enabled ? state.flags & ~u32{KVM_PIT_FLAGS_HPET_LEGACY}
                        : state.flags | KVM_PIT_FLAGS_HPET_LEGACY;
  Set(state);
}

devices::PitState KernelPit::SavePit() {
  const kvm_pit_state2 from = Get();
  devices::PitState to;
  for (size_t i = 0; i < to.channels.size(); ++i) {
    to.channels[i] = FromKvm(from.channels[i], /*is_elapsed_known=*/i != 0);
  }
  to.control_b = static_cast<u8>(to.channels[2].gate |
                                 ((from.flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON) != 0) << 1);
  to.is_irq_enabled = (from.flags & KVM_PIT_FLAGS_HPET_LEGACY) == 0;
  return to;
}

void KernelPit::LoadPit(const devices::PitState& state) {
  kvm_pit_state2 to{};
  for (size_t i = 0; i < state.channels.size(); ++i) {
    to.channels[i] = ToKvm(state.channels[i], /*has_interrupt=*/i == 0);
  }
  to.flags = (state.is_irq_enabled ? 0 : KVM_PIT_FLAGS_HPET_LEGACY) |
             ((state.control_b & 2) != 0 ? KVM_PIT_FLAGS_SPEAKER_DATA_ON : 0);
  Set(to);
}

}  // namespace tandem::accel::kvm
