#include "cpu/event/xsave_components.h"

#include <algorithm>

#include "base/bits.h"

namespace tandem::cpu {
namespace {

constexpr u32 kFipOffset = 8;
constexpr u32 kFdpOffset = 16;
constexpr u32 kStOffset = 32;
constexpr u16 kFcwInitial = 0x37f;
constexpr u16 kFcwDefined = 0x1f3f, kFcwFixed = 0x40, kFcwMasks = 0x3f, kFswSummary = 0x8080;

// A vector component: bytes [low, low + size) of registers from first on.
struct Slice {
  u32 first, low, size;
};

Slice SliceOf(u32 index) {
  switch (index) {
    case 2:
      return {0, 16, 16};
    case 6:
      return {0, 32, 32};
    default:
      return {16, 0, 64};
  }
}

// Registers of the slice that exist in the present mode.
u32 SliceCount(u32 index, u32 count) { return index == 7 ? (count == 16 ? 16 : 0) : count; }

bool IsZero(const u8* bytes, size_t size) {
  static constexpr u8 kZeros[128] = {};
  return std::memcmp(bytes, kZeros, size) == 0;
}

bool SliceIsZero(const VectorState& vec, Slice slice) {
  for (u32 i = 0; i < 16; ++i) {
    if (!IsZero(vec.zmm[slice.first + i] + slice.low, slice.size)) {
      return false;
    }
  }
  return true;
}

bool X87InUse(const FxImage& fx) {
  return fx.fcw != kFcwInitial || fx.fsw != 0 || fx.ftw != 0 || fx.fop != 0 || fx.fip != 0 ||
         fx.fdp != 0 || !IsZero(fx.st[0], sizeof(fx.st));
}

}  // namespace

u64 ComponentsInUse(const CpuState& state) {
  const VectorState& vec = state.vec;
  u64 in_use = X87InUse(state.fx) ? kXcr0X87 : 0;
  in_use |= SliceIsZero(vec, {0, 0, 16}) ? 0 : kXcr0Sse;
  in_use |= SliceIsZero(vec, SliceOf(2)) ? 0 : kXcr0Avx;
  in_use |= std::all_of(vec.k, vec.k + 8, [](u64 k) { return k == 0; }) ? 0 : kXcr0Opmask;
  in_use |= SliceIsZero(vec, SliceOf(6)) ? 0 : kXcr0ZmmHi256;
  in_use |= SliceIsZero(vec, SliceOf(7)) ? 0 : kXcr0Hi16Zmm;
  return in_use | (state.pkru != 0 ? kXcr0Pkru : 0);
}

void BuildX87(const FxImage& fx, bool long_form, X87Image& image) {
  std::memcpy(image.data(), &fx, image.size());
  image[5] = std::byte{0};
  if (!long_form) {
    // 32-bit pointers; the selectors are those of processors that deprecate them: zero.
    StoreLe<u64>(image.data() + kFipOffset, fx.fip & 0xffffffff);
    StoreLe<u64>(image.data() + kFdpOffset, fx.fdp & 0xffffffff);
  }
  for (u32 i = 0; i < 8; ++i) {
    std::fill_n(image.begin() + kStOffset + 16 * i + 10, 6, std::byte{0});
  }
}

void LoadX87(const X87Image& image, bool long_form, FxImage& fx) {
  const u32 mxcsr = fx.mxcsr;
  std::memcpy(static_cast<void*>(&fx), image.data(), image.size());
  fx.fcw = static_cast<u16>((fx.fcw & kFcwDefined) | kFcwFixed);
  // The summary bits follow from flags and masks.
  const bool is_pending = (fx.fsw & ~fx.fcw & kFcwMasks) != 0;
  fx.fsw = static_cast<u16>((fx.fsw & ~kFswSummary) | (is_pending ? kFswSummary : 0));
  fx.mxcsr = mxcsr;
  fx.mxcsr_mask = kMxcsrDefined;
  fx.reserved = 0;
  if (!long_form) {
    fx.fip &= 0xffffffff;
    fx.fdp &= 0xffffffff;
  }
}

void InitX87(FxImage& fx) {
  fx.fcw = kFcwInitial;
  fx.fsw = fx.fop = 0;
  fx.ftw = 0;
  fx.fip = fx.fdp = 0;
  std::memset(fx.st, 0, sizeof(fx.st));
}

void BuildComponent(const CpuState& state, u32 index, u32 count, ComponentImage& image) {
  image.fill(std::byte{0});
  if (index == 9) {
    StoreLe<u64>(image.data(), state.pkru);
    return;
  }
  if (index == 5) {
    std::memcpy(image.data(), state.vec.k, sizeof(state.vec.k));
    return;
  }
  const Slice slice = SliceOf(index);
  for (u32 i = 0; i < SliceCount(index, count); ++i) {
    std::memcpy(image.data() + i * slice.size, state.vec.zmm[slice.first + i] + slice.low,
                slice.size);
  }
}

void LoadComponent(const ComponentImage& image, u32 index, u32 count, ExtendedState& state) {
  if (index == 9) {
    state.pkru = LoadLe<u32>(image.data());
    return;
  }
  if (index == 5) {
    std::memcpy(state.vec.k, image.data(), sizeof(state.vec.k));
    return;
  }
  const Slice slice = SliceOf(index);
  for (u32 i = 0; i < SliceCount(index, count); ++i) {
    std::memcpy(state.vec.zmm[slice.first + i] + slice.low, image.data() + i * slice.size,
                slice.size);
  }
}

void BuildXmm(const VectorState& vec, u32 count, XmmImage& image) {
  for (u32 i = 0; i < count; ++i) {
    std::memcpy(image.data() + 16 * i, vec.zmm[i], 16);
  }
}

void LoadXmm(const XmmImage& image, u32 count, VectorState& vec) {
  for (u32 i = 0; i < count; ++i) {
    std::memcpy(vec.zmm[i], image.data() + 16 * i, 16);
  }
}

}  // namespace tandem::cpu
