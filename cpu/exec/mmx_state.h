#pragma once

#include <algorithm>

#include "cpu/state/cpu_state.h"

namespace tandem::cpu {

inline unsigned TopOf(const FxImage& fx) { return (fx.fsw >> 11) & 7; }

// Moves the top of the x87 stack: the image holds registers by their distance from it.
inline void SetTop(FxImage& fx, unsigned top) {
  const unsigned by = (top - TopOf(fx)) & 7;
  u8* const bytes = fx.st[0];
  std::rotate(bytes, bytes + by * sizeof(fx.st[0]), bytes + sizeof(fx.st));
  fx.fsw = static_cast<u16>((fx.fsw & ~0x3800) | (top << 11));
}

// What any MMX instruction but EMMS does to the x87 unit: all registers valid, the top is R0, so
// that MMn is image register n. SDM Vol. 1, 9.5.1.
inline void EnterMmx(FxImage& fx) {
  SetTop(fx, 0);
  fx.ftw = 0xff;
}

}  // namespace tandem::cpu
