#pragma once

#include "cpu/event/context.h"

namespace tandem::cpu {

// State components beyond the legacy region. SDM Vol. 1, 13.4 and 13.5. Used within this room only.
struct XsaveComponent {
  u32 index;
  u32 size;
  u32 offset;  // in the standard format
};

inline constexpr XsaveComponent kXsaveComponents[] = {
    {2, 256, 576},    // upper halves of YMM0-15
    {5, 64, 1088},    // k0-k7
    {6, 512, 1152},   // upper halves of ZMM0-15
    {7, 1024, 1664},  // ZMM16-31
    {9, 8, 2688},     // PKRU
};
inline constexpr u32 kXsaveExtendedStart = 576;  // legacy region and header

// Bytes of an area that holds the components of mask.
constexpr u32 XsaveSize(u64 mask, bool is_compacted) {
  u32 size = kXsaveExtendedStart;
  for (const XsaveComponent& component : kXsaveComponents) {
    if (((mask >> component.index) & 1) != 0) {
      size = is_compacted ? size + component.size : component.offset + component.size;
    }
  }
  return size;
}

// XINUSE: which components are not in their initial configuration. SDM Vol. 1, 13.6.
u64 ComponentsInUse(const CpuState& state);

}  // namespace tandem::cpu
