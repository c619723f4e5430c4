#pragma once

#include <array>
#include <optional>

#include "jit/unit/unit.h"

namespace tandem::jit {

// How large the values of general registers can be, as far as the instructions just before tell:
// what SETcc leaves in a cleared register, a byte that was extended.
class KnownBounds {
 public:
  KnownBounds() { bounds_.fill(kUnknown); }

  // The largest value of a register; nothing if it may be over 255.
  std::optional<u8> Of(u8 reg) const {
    return bounds_[reg] == kUnknown ? std::nullopt : std::optional(static_cast<u8>(bounds_[reg]));
  }
  // The instruction has been executed.
  void Note(const UnitInst& unit_inst);

 private:
  static constexpr u16 kUnknown = 256;

  u16 BoundOfResult(const cpu::Inst& inst) const;
  void NoteResult(const cpu::Inst& inst);

  std::array<u16, 16> bounds_{};
};

}  // namespace tandem::jit
