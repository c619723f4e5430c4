#pragma once

#include <array>

#include "cpu/event/xsave_layout.h"

namespace tandem::cpu {

// One processor's state components against their memory images. Used within this room only.

inline constexpr u32 kMxcsrInitial = 0x1f80;
inline constexpr u32 kMxcsrDefined = 0xffff;
inline constexpr u32 kMxcsrOffset = 24;
inline constexpr u32 kXmmOffset = 160;

// What a restore writes; committed at once when all reads went well.
struct ExtendedState {
  FxImage fx;
  VectorState vec;
  u32 pkru = 0;
};

// Component 0: bytes 0-159 of the legacy region, MXCSR's eight bytes left as they are.
using X87Image = std::array<std::byte, 160>;
void BuildX87(const FxImage& fx, bool long_form, X87Image& image);
void LoadX87(const X87Image& image, bool long_form, FxImage& fx);
void InitX87(FxImage& fx);

// Components 2-7 and 9 as byte strings of their layout size. count: vector registers in use, 8
// outside 64-bit mode.
using ComponentImage = std::array<std::byte, 1024>;
void BuildComponent(const CpuState& state, u32 index, u32 count, ComponentImage& image);
void LoadComponent(const ComponentImage& image, u32 index, u32 count, ExtendedState& state);

// Component 1, without MXCSR.
using XmmImage = std::array<std::byte, 256>;
void BuildXmm(const VectorState& vec, u32 count, XmmImage& image);
void LoadXmm(const XmmImage& image, u32 count, VectorState& vec);

}  // namespace tandem::cpu
