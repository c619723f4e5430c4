#include "tests/differential/shrink.h"

#include <algorithm>
#include <cstring>

namespace tandem::cpu {
namespace {

class Shrinker {
 public:
  Shrinker(Start start, const CpuState& reset, const StillDiffers& still_differs)
      : start_(std::move(start)), reset_(reset), still_differs_(still_differs) {}

  Start Shrink() {
    MoveStack();
    ShrinkGprs();
    ShrinkVectors();
    ShrinkUnits();
    ShrinkFlags();
    ShrinkData(0, kDataSize);
    return std::move(start_);
  }

 private:
  template <typename Change>
  bool Try(Change change) {
    Start changed = start_;
    change(changed);
    const bool differs = still_differs_(changed);
    if (differs) {
      start_ = std::move(changed);
    }
    return differs;
  }

  void MoveStack();
  void ShrinkGprs();
  void ShrinkVectors();
  void ShrinkUnits();
  void ShrinkFlags();
  void ShrinkData(size_t from, size_t size);

  Start start_;
  const CpuState& reset_;
  const StillDiffers& still_differs_;
};

void Shrinker::MoveStack() {
  constexpr u64 kAround = 256, kTarget = 0x400;
  const u64 base = LayoutOf(start_.mode).data_base;
  const u64 offset = start_.state.gpr[kRsp] + base - kStackStart;
  if (offset - kAround > kStackSize - 2 * kAround) {
    return;
  }
  Try([&](Start& changed) {
    std::memcpy(&changed.data[kTarget - kAround], &changed.stack[offset - kAround], 2 * kAround);
    std::ranges::fill(changed.stack, std::byte{0});
    changed.state.gpr[kRsp] = kLongLayout.data + kTarget - base;
  });
}

void Shrinker::ShrinkGprs() {
  for (u8 reg = 0; reg < 16; ++reg) {
    if (!Try(
            [&](Start& changed) { changed.state.gpr[reg] = reg == kRsp ? reset_.gpr[kRsp] : 0; })) {
      for (const u64 mask : {u64{0xff}, u64{0xffff}, u64{0xffffffff}}) {
        if (Try([&](Start& changed) { changed.state.gpr[reg] &= mask; })) {
          break;
        }
      }
    }
  }
  Try([&](Start& changed) { changed.state.Seg(SegReg::kGs).base = reset_.Seg(SegReg::kGs).base; });
}

void Shrinker::ShrinkVectors() {
  Try([&](Start& changed) { changed.state.vec = reset_.vec; });
  for (size_t reg = 0; reg < 32; ++reg) {
    for (const size_t kept : {0u, 4u, 8u, 16u, 32u}) {
      auto& zmm = start_.state.vec.zmm[reg];
      const bool is_zero =
          std::all_of(zmm + kept, std::end(zmm), [](u8 byte) { return byte == 0; });
      if (is_zero || Try([&](Start& changed) {
            std::fill(changed.state.vec.zmm[reg] + kept, std::end(changed.state.vec.zmm[reg]), 0);
          })) {
        break;
      }
    }
  }
  for (size_t reg = 0; reg < 8; ++reg) {
    Try([&](Start& changed) { changed.state.vec.k[reg] = 0; });
  }
}

void Shrinker::ShrinkUnits() {
  const u32 mxcsr = start_.state.fx.mxcsr;
  Try([&](Start& changed) {
    changed.state.fx = reset_.fx;
    changed.state.fx.mxcsr = mxcsr;
  });
  Try([&](Start& changed) { changed.state.fx.mxcsr = reset_.fx.mxcsr; });
  Try([&](Start& changed) { changed.state.fx.fcw = reset_.fx.fcw; });
  Try([&](Start& changed) { changed.state.fx.fsw = reset_.fx.fsw; });
  Try([&](Start& changed) { changed.state.fx.ftw = reset_.fx.ftw; });
  for (size_t reg = 0; reg < 8; ++reg) {
    Try([&](Start& changed) { std::ranges::fill(changed.state.fx.st[reg], 0); });
  }
}

void Shrinker::ShrinkFlags() {
  for (const u64 flag : {kFlagCf, kFlagPf, kFlagAf, kFlagZf, kFlagSf, kFlagOf, kFlagDf}) {
    Try([&](Start& changed) { changed.state.rflags &= ~flag; });
  }
}

// Halves that matter are halved again, down to 8 bytes.
void Shrinker::ShrinkData(size_t from, size_t size) {
  const auto begin = start_.data.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = begin + static_cast<std::ptrdiff_t>(size);
  if (std::all_of(begin, end, [](std::byte byte) { return byte == std::byte{0}; }) ||
      Try([&](Start& changed) { std::memset(&changed.data[from], 0, size); }) || size == 8) {
    return;
  }
  ShrinkData(from, size / 2);
  ShrinkData(from + size / 2, size / 2);
}

}  // namespace

Start ShrinkStart(Start start, const CpuState& reset, const StillDiffers& still_differs) {
  return Shrinker(std::move(start), reset, still_differs).Shrink();
}

}  // namespace tandem::cpu
