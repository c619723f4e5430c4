// XRSTOR and XRSTORS. SDM Vol. 1, 13.8 and 13.12.
#include "base/bits.h"
#include "cpu/event/system.h"
#include "cpu/event/xsave.h"
#include "cpu/event/xsave_components.h"

namespace tandem::cpu {
namespace {

constexpr u64 kCompacted = u64{1} << 63;
constexpr u32 kHeaderOffset = 512;

struct Header {
  std::array<u64, 8> words{};
  u64 xstate_bv() const { return words[0]; }
  u64 xcomp_bv() const { return words[1]; }
  bool is_compacted() const { return (xcomp_bv() & kCompacted) != 0; }
  bool IsZeroFrom(size_t first, size_t end) const {
    for (size_t i = first; i < end; ++i) {
      if (words[i] != 0) {
        return false;
      }
    }
    return true;
  }
};

bool IsValid(const Header& header, u64 enabled, bool supervisor, bool has_compaction) {
  if (!header.is_compacted()) {
    return !supervisor && (header.xstate_bv() & ~enabled) == 0 && header.IsZeroFrom(1, 3);
  }
  const u64 components = header.xcomp_bv() & ~kCompacted;
  return has_compaction && (components & ~enabled) == 0 &&
         (header.xstate_bv() & ~components) == 0 && header.IsZeroFrom(2, 8);
}

// One load of an area into a copy of the state.
class Restorer {
 public:
  Restorer(Context& context, Gva area, bool long_form, const Header& header, u64 requested)
      : context_(context),
        area_(area),
        long_form_(long_form),
        header_(header),
        requested_(requested),
        loaded_(requested & header.xstate_bv()),
        count_(context.state.In64BitMode() ? 16 : 8),
        result_{context.state.fx, context.state.vec, context.state.pkru} {}

  Fault Restore();
  Fault Commit();

 private:
  Fault Get(u32 offset, std::span<std::byte> bytes) {
    return context_.mmu.ReadBytes(area_ + offset, bytes);
  }
  Fault GetX87();
  Fault GetMxcsr();
  Fault GetSse();
  Fault GetExtended();

  Context& context_;
  const Gva area_;
  const bool long_form_;
  const Header& header_;
  const u64 requested_, loaded_;
  const u32 count_;
  ExtendedState result_;
};

Fault Restorer::GetX87() {
  if ((requested_ & kXcr0X87) == 0) {
    return Fault::None();
  }
  if ((loaded_ & kXcr0X87) == 0) {
    InitX87(result_.fx);
    return Fault::None();
  }
  X87Image image;
  Fault fault = Get(0, image);
  if (!fault) {
    LoadX87(image, long_form_, result_.fx);
  }
  return fault;
}

// The standard form loads MXCSR whatever XSTATE_BV says; the compacted one as part of SSE.
Fault Restorer::GetMxcsr() {
  const bool is_compacted = header_.is_compacted();
  const bool is_loaded =
      is_compacted ? (loaded_ & kXcr0Sse) != 0 : (requested_ & (kXcr0Sse | kXcr0Avx)) != 0;
  if (!is_loaded) {
    if (is_compacted && (requested_ & kXcr0Sse) != 0) {
      result_.fx.mxcsr = kMxcsrInitial;
    }
    return Fault::None();
  }
  u32 mxcsr = 0;
  if (Fault fault = context_.mmu.Read(area_ + kMxcsrOffset, mxcsr)) {
    return fault;
  }
  result_.fx.mxcsr = mxcsr;
  return (mxcsr & ~kMxcsrDefined) == 0 ? Fault::None() : Fault::Gp();
}

Fault Restorer::GetSse() {
  if ((requested_ & kXcr0Sse) == 0) {
    return Fault::None();
  }
  XmmImage image{};
  if ((loaded_ & kXcr0Sse) != 0) {
    if (Fault fault = Get(kXmmOffset, std::span(image).first(16 * count_))) {
      return fault;
    }
  }
  LoadXmm(image, count_, result_.vec);
  return Fault::None();
}

Fault Restorer::GetExtended() {
  u32 compacted_offset = kXsaveExtendedStart;
  for (const XsaveComponent& component : kXsaveComponents) {
    const u32 offset = header_.is_compacted() ? compacted_offset : component.offset;
    if (Bit(header_.xcomp_bv(), component.index)) {
      compacted_offset += component.size;
    }
    if (!Bit(requested_, component.index)) {
      continue;
    }
    ComponentImage image{};
    if (Bit(loaded_, component.index)) {
      if (Fault fault = Get(offset, std::span(image).first(component.size))) {
        return fault;
      }
    }
    LoadComponent(image, component.index, count_, result_);
  }
  return Fault::None();
}

Fault Restorer::Restore() {
  if (Fault fault = GetX87()) {
    return fault;
  }
  if (Fault fault = GetMxcsr()) {
    return fault;
  }
  if (Fault fault = GetSse()) {
    return fault;
  }
  return GetExtended();
}

Fault Restorer::Commit() {
  context_.state.fx = result_.fx;
  context_.state.vec = result_.vec;
  return WritePkru(context_, result_.pkru);
}

Fault CheckUse(const Context& context, Gva linear, bool supervisor) {
  const CpuState& state = context.state;
  const Feature feature = supervisor ? Feature::kXsaves : Feature::kXsave;
  if (!context.model.Has(feature) || (state.cr4 & kCr4Osxsave) == 0) {
    return Fault::Ud();
  }
  if (supervisor && state.cpl != 0) {
    return Fault::Gp();
  }
  if ((state.cr0 & kCr0Ts) != 0) {
    return Fault::Of(Vector::kNm);
  }
  return linear.value % 64 == 0 ? Fault::None() : Fault::Gp();
}

}  // namespace

Fault Xrestore(Context& context, Gva linear, bool long_form, bool supervisor, u64 mask) {
  const CpuState& state = context.state;
  if (Fault fault = CheckUse(context, linear, supervisor)) {
    return fault;
  }
  Header header;
  if (Fault fault = context.mmu.ReadBytes(linear + kHeaderOffset,
                                          std::as_writable_bytes(std::span(header.words)))) {
    return fault;
  }
  const u64 enabled = state.xcr0 | (supervisor ? state.msr.xss : 0);
  if (!IsValid(header, enabled, supervisor, context.model.Has(Feature::kXsavec))) {
    return Fault::Gp();
  }
  Restorer restorer(context, linear, long_form, header, mask & enabled);
  if (Fault fault = restorer.Restore()) {
    return fault;
  }
  return restorer.Commit();
}

}  // namespace tandem::cpu
