#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "base/ints.h"

namespace tandem::cpu {

// Which generation of the user bank belongs to which process-context identifier; remembers those
// used last. SDM Vol. 3, 4.10.1.
class PcidTable {
 public:
  // The generation whose entries are this PCID's, which now is the one used last.
  std::optional<u64> Use(u16 pcid) {
    const auto slot = Find(pcid);
    if (slot == slots_.end()) {
      return std::nullopt;
    }
    std::rotate(slots_.begin(), slot, slot + 1);
    return slots_.front().generation;
  }
  // Gives it a generation; the least recently used PCID is forgotten for it.
  void Set(u16 pcid, u64 generation) {
    const auto slot = std::min(Find(pcid), slots_.end() - 1);
    *slot = {pcid, generation};
    std::rotate(slots_.begin(), slot, slot + 1);
  }
  void Forget(u16 pcid) {
    if (const auto slot = Find(pcid); slot != slots_.end()) {
      *slot = Slot{};
      std::rotate(slot, slot + 1, slots_.end());
    }
  }
  void Clear() { slots_.fill({}); }

 private:
  static constexpr u32 kNone = ~u32{0};
  struct Slot {
    u32 pcid = kNone;
    u64 generation = 0;
  };
  using Slots = std::array<Slot, 8>;  // most recently used first

  Slots::iterator Find(u16 pcid) { return std::ranges::find(slots_, u32{pcid}, &Slot::pcid); }

  Slots slots_;
};

}  // namespace tandem::cpu
