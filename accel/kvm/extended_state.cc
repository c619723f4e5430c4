// x87, vector and other registers that XSAVE moves. api.rst, KVM_GET_XSAVE2: the image is that of
// the host's XSAVE in its standard format. SDM Vol. 1, 13.4.
#include <cpuid.h>
#include <linux/kvm.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/state_access.h"
#include "base/bits.h"

namespace tandem::accel::kvm {
namespace {

constexpr size_t kXmm = 160;
constexpr size_t kHeader = 512;  // its first word: which components are not in their initial state
constexpr size_t kXsaveEnd = 576;
constexpr unsigned kX87 = 0, kSse = 1, kYmm = 2, kOpmask = 5, kZmmHigh = 6, kZmm16 = 7, kPkru = 9;

struct Component {
  size_t offset = 0;
  size_t size = 0;
};

// Read once: where the host itself is virtual, a CPUID costs as much as all the rest.
Component HostComponent(unsigned index) {
  static const auto components = [] {
    std::array<Component, kPkru + 1> found;
    for (unsigned i = 0; i < found.size(); ++i) {
      u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
      __get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
      found[i] = {ebx, eax};
    }
    return found;
  }();
  return components[index];
}

// Calls move(component's place, registers, bytes of each, distance of these in the registers) for
// each row of registers that component index holds.
template <typename State, typename Move>
void ForEachPart(unsigned index, State& state, Move move) {
  auto* const vectors = state.vec.zmm;
  switch (index) {
    case kYmm:
      for (size_t i = 0; i < 16; ++i) {
        move(16 * i, vectors[i] + 16, size_t{16});
      }
      break;
    case kOpmask:
      move(size_t{0}, state.vec.k, sizeof(state.vec.k));
      break;
    case kZmmHigh:
      for (size_t i = 0; i < 16; ++i) {
        move(32 * i, vectors[i] + 32, size_t{32});
      }
      break;
    case kZmm16:
      for (size_t i = 0; i < 16; ++i) {
        move(64 * i, vectors[16 + i], size_t{64});
      }
      break;
    case kPkru:
      move(size_t{0}, &state.pkru, sizeof(state.pkru));
      break;
    default:
      break;
  }
}

constexpr unsigned kExtended[] = {kYmm, kOpmask, kZmmHigh, kZmm16, kPkru};

void ReadLegacy(const u8* image, u64 in_use, cpu::CpuState& state) {
  if (Bit(in_use, kX87)) {
    // MXCSR, which lies between, is not a part of this component but always there.
    std::memcpy(static_cast<void*>(&state.fx), image, kXmm);
  } else {
    state.fx = cpu::FxImage{.fcw = 0x37f};
    state.fx.ftw = 0;
  }
  std::memcpy(&state.fx.mxcsr, image + 24, sizeof(state.fx.mxcsr));
  for (size_t i = 0; i < 16; ++i) {
    std::memset(state.vec.zmm[i], 0, 16);
    if (Bit(in_use, kSse)) {
      std::memcpy(state.vec.zmm[i], image + kXmm + 16 * i, 16);
    }
  }
}

void WriteLegacy(const cpu::CpuState& state, u8* image) {
  std::memcpy(image, &state.fx, kXmm);
  for (size_t i = 0; i < 16; ++i) {
    std::memcpy(image + kXmm + 16 * i, state.vec.zmm[i], 16);
  }
}

}  // namespace

void StateAccess::SaveExtended(cpu::CpuState& state) const {
  std::vector<u8> image(xsave_size_);
  MustCall(fd_, WithSize(has_xsave2_ ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, kSmallestXsave),
           image.data());
  const u64 in_use = LoadLe<u64>(image.data() + kHeader);
  ReadLegacy(image.data(), in_use, state);
  for (const unsigned index : kExtended) {
    const size_t place = HostComponent(index).offset;
    const bool is_used = Bit(in_use, index) && place >= kXsaveEnd;
    ForEachPart(index, state, [&](size_t at, void* registers, size_t size) {
      std::memset(registers, 0, size);
      if (is_used && place + at + size <= image.size()) {
        std::memcpy(registers, image.data() + place + at, size);
      }
    });
  }
  kvm_xcrs xcrs{};
  MustCall(fd_, KVM_GET_XCRS, &xcrs);
  state.xcr0 = xcrs.nr_xcrs != 0 ? xcrs.xcrs[0].value : cpu::kXcr0X87;
}

bool StateAccess::LoadExtended(const cpu::CpuState& state) const {
  std::vector<u8> image(xsave_size_);
  WriteLegacy(state, image.data());
  u64 in_use = u64{1} << kX87 | u64{1} << kSse;
  for (const unsigned index : kExtended) {
    const Component component = HostComponent(index);
    if (!Bit(xcr0_, index) || component.offset < kXsaveEnd ||
        component.offset + component.size > image.size()) {
      continue;
    }
    in_use |= u64{1} << index;
    ForEachPart(index, state, [&](size_t at, const void* registers, size_t size) {
      std::memcpy(image.data() + component.offset + at, registers, size);
    });
  }
  StoreLe(image.data() + kHeader, in_use);
  return Call(fd_, WithSize(KVM_SET_XSAVE, kSmallestXsave), image.data()) == 0;
}

bool StateAccess::LoadControls(const cpu::CpuState& state) const {
  kvm_xcrs xcrs{};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].value = state.xcr0;
  return Call(fd_, KVM_SET_XCRS, &xcrs) == 0;
}

}  // namespace tandem::accel::kvm
