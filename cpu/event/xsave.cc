#include "cpu/event/xsave.h"

#include "base/bits.h"
#include "cpu/event/system.h"
#include "cpu/event/xsave_components.h"

namespace tandem::cpu {
namespace {

constexpr u64 kCompacted = u64{1} << 63;
constexpr u32 kHeaderOffset = 512;

struct Header {
  u64 xstate_bv = 0;
  u64 xcomp_bv = 0;
  std::array<u64, 6> reserved{};
};

bool IsOffered(const CpuModel& model, XsaveVariant variant) {
  switch (variant) {
    case XsaveVariant::kXsave:
      return model.Has(Feature::kXsave);
    case XsaveVariant::kXsaveOpt:
      return model.Has(Feature::kXsaveopt);
    case XsaveVariant::kXsaveC:
      return model.Has(Feature::kXsavec);
    case XsaveVariant::kXsaveS:
      break;
  }
  return model.Has(Feature::kXsaves);
}

Fault CheckUse(const Context& context, Gva linear, bool is_offered, bool is_privileged) {
  const CpuState& state = context.state;
  if (!is_offered || (state.cr4 & kCr4Osxsave) == 0) {
    return Fault::Ud();
  }
  if (is_privileged && state.cpl != 0) {
    return Fault::Gp();
  }
  if ((state.cr0 & kCr0Ts) != 0) {
    return Fault::Of(Vector::kNm);
  }
  return linear.value % 64 == 0 ? Fault::None() : Fault::Gp();
}

u32 RegisterCount(const CpuState& state) { return state.In64BitMode() ? 16 : 8; }

// One store of an area: which components are written and where.
class Saver {
 public:
  Saver(Context& context, Gva area, bool long_form, bool is_compacted, u64 requested, u64 written)
      : context_(context),
        area_(area),
        long_form_(long_form),
        is_compacted_(is_compacted),
        requested_(requested),
        written_(written) {}

  Fault Save(const Header& header);

 private:
  Fault Put(u32 offset, std::span<const std::byte> bytes) {
    return context_.mmu.WriteBytes(area_ + offset, bytes);
  }
  Fault PutX87();
  Fault PutSse();
  Fault PutMxcsr();
  Fault PutExtended();

  Context& context_;
  const Gva area_;
  const bool long_form_, is_compacted_;
  const u64 requested_, written_;
};

Fault Saver::PutX87() {
  X87Image image;
  BuildX87(context_.state.fx, long_form_, image);
  if (Fault fault = Put(0, std::span(image).first(kMxcsrOffset))) {
    return fault;
  }
  return Put(kMxcsrOffset + 8, std::span(image).subspan(kMxcsrOffset + 8));
}

Fault Saver::PutMxcsr() {
  const std::array<u32, 2> words{context_.state.fx.mxcsr, kMxcsrDefined};
  return Put(kMxcsrOffset, std::as_bytes(std::span(words)));
}

Fault Saver::PutSse() {
  XmmImage image;
  const u32 count = RegisterCount(context_.state);
  BuildXmm(context_.state.vec, count, image);
  return Put(kXmmOffset, std::span(image).first(16 * count));
}

Fault Saver::PutExtended() {
  u32 compacted_offset = kXsaveExtendedStart;
  for (const XsaveComponent& component : kXsaveComponents) {
    if (!Bit(requested_, component.index)) {
      continue;
    }
    const u32 offset = is_compacted_ ? compacted_offset : component.offset;
    compacted_offset += component.size;
    if (!Bit(written_, component.index)) {
      continue;
    }
    ComponentImage image;
    BuildComponent(context_.state, component.index, RegisterCount(context_.state), image);
    if (Fault fault = Put(offset, std::span(image).first(component.size))) {
      return fault;
    }
  }
  return Fault::None();
}

Fault Saver::Save(const Header& header) {
  const u32 size = XsaveSize(requested_, is_compacted_);
  if (Fault fault = context_.mmu.Probe(area_, size, AccessKind::kWrite)) {
    return fault;
  }
  Fault fault = Fault::None();
  if ((written_ & kXcr0X87) != 0) {
    fault = PutX87();
  }
  const bool has_mxcsr =
      is_compacted_ ? (written_ & kXcr0Sse) != 0 : (requested_ & (kXcr0Sse | kXcr0Avx)) != 0;
  if (!fault && has_mxcsr) {
    fault = PutMxcsr();
  }
  if (!fault && (written_ & kXcr0Sse) != 0) {
    fault = PutSse();
  }
  if (!fault) {
    fault = PutExtended();
  }
  if (fault) {
    return fault;
  }
  const std::array<u64, 2> words{header.xstate_bv, header.xcomp_bv};
  const auto bytes = std::as_bytes(std::span(words));
  return Put(kHeaderOffset, is_compacted_ ? bytes : bytes.first(8));
}

}  // namespace

Fault Xsave(Context& context, Gva linear, bool long_form, XsaveVariant variant, u64 mask) {
  CpuState& state = context.state;
  const bool is_privileged = variant == XsaveVariant::kXsaveS;
  const bool is_offered = IsOffered(context.model, variant);
  if (Fault fault = CheckUse(context, linear, is_offered, is_privileged)) {
    return fault;
  }
  const bool is_compacted = is_privileged || variant == XsaveVariant::kXsaveC;
  const u64 requested = mask & (state.xcr0 | (is_privileged ? state.msr.xss : 0));
  u64 in_use = ComponentsInUse(state);
  Header header;
  if (is_compacted) {
    in_use |= state.fx.mxcsr != kMxcsrInitial ? kXcr0Sse : 0;
    header.xstate_bv = requested & in_use;
    header.xcomp_bv = requested | kCompacted;
  } else {
    if (Fault fault = context.mmu.Read(linear + kHeaderOffset, header.xstate_bv)) {
      return fault;
    }
    header.xstate_bv = (header.xstate_bv & ~requested) | (requested & in_use);
  }
  const u64 written = variant == XsaveVariant::kXsave ? requested : requested & in_use;
  return Saver(context, linear, long_form, is_compacted, requested, written).Save(header);
}

}  // namespace tandem::cpu
