#pragma once

#include <array>
#include <utility>

#include "base/bits.h"

namespace tandem::jit {

// Which guest registers live in CpuState while translated code runs: in 64-bit mode three more
// registers are needed than the host has, the guest's RSP, and two scratch registers.
inline constexpr std::array<u8, 3> kMemoryRegisters = {11, 14, 15};

constexpr bool LivesInMemory(u8 place) { return place == 11 || place == 14 || place == 15; }

// Where the guest's registers are: each in the place that is by default its own or, while a region
// runs, in that of the register it has changed places with. A place is a host register or memory.
class Homes {
 public:
  constexpr u8 Of(u8 guest) const {
    for (size_t i = 0; i < kMemoryRegisters.size(); ++i) {
      if (guest == partner_[i]) {
        return kMemoryRegisters[i];
      }
      if (guest == kMemoryRegisters[i]) {
        return partner_[i];
      }
    }
    return guest;
  }
  constexpr bool InMemory(u8 guest) const { return guest < 16 && LivesInMemory(Of(guest)); }
  constexpr bool IsDefault() const { return partner_ == kMemoryRegisters; }

  // The memory register with this index changes places with one that has a host register.
  constexpr void Exchange(size_t index, u8 guest) { partner_[index] = guest; }
  constexpr const std::array<u8, 3>& partners() const { return partner_; }

  // In twelve bits.
  constexpr u32 Pack() const {
    return partner_[0] | (u32{partner_[1]} << 4) | (u32{partner_[2]} << 8);
  }
  static constexpr Homes Unpack(u32 packed) {
    Homes homes;
    for (size_t i = 0; i < kMemoryRegisters.size(); ++i) {
      homes.partner_[i] = (packed >> (4 * i)) & 15;
    }
    return homes;
  }
  // Puts values that lie by place into the guest's order, or back.
  void Rearrange(u64* gpr) const {
    for (size_t i = 0; i < kMemoryRegisters.size(); ++i) {
      std::swap(gpr[kMemoryRegisters[i]], gpr[partner_[i]]);
    }
  }

  bool operator==(const Homes&) const = default;

 private:
  std::array<u8, 3> partner_ = kMemoryRegisters;
};

}  // namespace tandem::jit
