#include <bit>

#include "base/bits.h"
#include "cpu/event/cpuid_leaves.h"
#include "cpu/event/xsave_layout.h"
#include "cpu/state/signature.h"

namespace tandem::cpu {
namespace {

constexpr u32 kTscHz = 1'000'000'000;  // Context::ClockTsc
constexpr u32 kFlushLineEightBytes = 8;

u32 LogicalPerPackage(const CpuModel& model) {
  return model.topology.cores * model.topology.threads;
}

unsigned BitsFor(u32 count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

CpuidResult XsaveLeaf(const Context& context, u32 subleaf) {
  const CpuModel& model = context.model;
  const u64 supported = model.SupportedXcr0();
  if (supported == 0) {
    return {};
  }
  if (subleaf == 0) {
    return {static_cast<u32>(supported), XsaveSize(context.state.xcr0, false),
            XsaveSize(supported, false), static_cast<u32>(supported >> 32)};
  }
  if (subleaf == 1) {
    return {0, XsaveSize(context.state.xcr0 | context.state.msr.xss, true), 0, 0};
  }
  for (const XsaveComponent& component : kXsaveComponents) {
    if (component.index == subleaf && Bit(supported, subleaf)) {
      return {component.size, component.offset, 0, 0};
    }
  }
  return {};
}

CpuidResult IdentityLeaf(const Context& context) {
  const CpuModel& model = context.model;
  const u32 logical = std::bit_ceil(LogicalPerPackage(model));
  return {Signature(model), context.id << 24 | logical << 16 | kFlushLineEightBytes << 8, 0, 0};
}

CpuidResult VendorLeaf(const CpuModel& model) {
  return {model.max_leaf, FourCharacters(model.vendor, 0), FourCharacters(model.vendor, 8),
          FourCharacters(model.vendor, 4)};
}

}  // namespace

u32 FourCharacters(const std::string& text, size_t from) {
  u32 value = 0;
  for (size_t i = 0; i < 4 && from + i < text.size(); ++i) {
    value |= static_cast<u32>(static_cast<u8>(text[from + i])) << (8 * i);
  }
  return value;
}

CpuidResult TopologyLeaf(const Context& context, u32 subleaf) {
  const CpuModel& model = context.model;
  constexpr u32 kThreadLevel = 1;
  constexpr u32 kCoreLevel = 2;
  if (subleaf == 0) {
    return {BitsFor(model.topology.threads), model.topology.threads, kThreadLevel << 8, context.id};
  }
  if (subleaf == 1) {
    return {BitsFor(LogicalPerPackage(model)), LogicalPerPackage(model), kCoreLevel << 8 | subleaf,
            context.id};
  }
  return {0, 0, subleaf, context.id};
}

CpuidResult BasicLeaf(const Context& context, u32 leaf, u32 subleaf) {
  switch (leaf) {
    case 0:
      return VendorLeaf(context.model);
    case 1:
      return IdentityLeaf(context);
    case 2:
      return {0x00feff01, 0xf0, 0, 0};  // "see leaf 4"
    case 4:
      return context.model.vendor == "AuthenticAMD" ? CpuidResult{}
                                                    : CacheLeaf(context.model, subleaf);
    case 7: {
      const CpuModel& model = context.model;
      const bool has_more = model.Has(Feature::kAvxVnni) || model.Has(Feature::kAvx512bf16);
      return {has_more && subleaf == 0 ? 1u : 0u, 0, 0, 0};  // the highest subleaf
    }
    case 0xb:
    case 0x1f:
      return TopologyLeaf(context, subleaf);
    case 0xd:
      return XsaveLeaf(context, subleaf);
    case 0x15:
      return {1, 1, kTscHz, 0};
    case 0x16:
      return {kTscHz / 1'000'000, kTscHz / 1'000'000, 100, 0};
    default:
      return {};
  }
}

CpuidResult HypervisorLeaf(u32 leaf) {
  static const std::string kSignature = "TandemTandem";
  switch (leaf) {
    case 0x40000000:
      return {0x40000010, FourCharacters(kSignature, 0), FourCharacters(kSignature, 4),
              FourCharacters(kSignature, 8)};
    case 0x40000010:
      return {kTscHz / 1000, kTscHz / 1000, 0, 0};  // TSC and APIC timer, kHz
    default:
      return {};
  }
}

void AddDynamicFeatures(const Context& context, u32 leaf, u32 subleaf, CpuidResult& result) {
  constexpr unsigned kApicBit = 9;
  constexpr unsigned kOsxsaveBit = 27;
  constexpr unsigned kOspkeBit = 4;
  const CpuState& state = context.state;
  if (leaf == 1) {
    const bool has_osxsave = (state.cr4 & kCr4Osxsave) != 0;
    result.ecx = static_cast<u32>(WithBit(result.ecx, kOsxsaveBit, has_osxsave));
  }
  if (leaf == 7 && subleaf == 0) {
    result.ecx = static_cast<u32>(WithBit(result.ecx, kOspkeBit, (state.cr4 & kCr4Pke) != 0));
  }
  if (leaf == 1 || leaf == 0x80000001) {
    const u64 base = context.apic != nullptr ? context.apic->ReadMsr(0x1b).value_or(0) : 0;
    const bool is_on = context.model.Has(Feature::kApic) && Bit(base, 11);
    const bool shows = leaf == 1 || context.model.vendor == "AuthenticAMD";
    result.edx = static_cast<u32>(WithBit(result.edx, kApicBit, is_on && shows));
  }
}

}  // namespace tandem::cpu
