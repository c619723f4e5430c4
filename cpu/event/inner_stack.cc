// Stacks of inner privilege levels, out of the TSS. SDM Vol. 3, 5.8.5 and 7.7.
#include <array>

#include "base/bits.h"
#include "cpu/event/gate.h"

namespace tandem::cpu {
namespace {

Fault ReadTss(Context& context, u32 offset, std::span<std::byte> bytes, u32 ext) {
  const Segment& tr = context.state.tr;
  if (offset + bytes.size() - 1 > tr.limit) {
    return SelectorFault(Vector::kTs, tr.selector, ext);
  }
  return context.mmu.ReadSystem(Gva(tr.base + offset), bytes);
}

}  // namespace

Fault ReadInnerStack(Context& context, u8 cpl, u32 ext, InnerStack& stack) {
  std::array<std::byte, 6> bytes;
  const bool is_32bit = (context.state.tr.type() & 8) != 0;
  const std::span<std::byte> used = std::span(bytes).first(is_32bit ? 6 : 4);
  const u32 offset = is_32bit ? 4 + 8 * cpl : 2 + 4 * cpl;
  if (Fault fault = ReadTss(context, offset, used, ext)) {
    return fault;
  }
  stack.sp = is_32bit ? LoadLe<u32>(bytes.data()) : LoadLe<u16>(bytes.data());
  stack.selector = LoadLe<u16>(bytes.data() + (is_32bit ? 4 : 2));
  return Fault::None();
}

Fault ReadInnerStack64(Context& context, u8 cpl, u8 ist, u32 ext, u64& rsp) {
  std::array<std::byte, 8> bytes;
  const u32 offset = ist != 0 ? 28 + 8 * ist : 4 + 8 * cpl;
  if (Fault fault = ReadTss(context, offset, bytes, ext)) {
    return fault;
  }
  rsp = LoadLe<u64>(bytes.data());
  return IsCanonical(context.state, rsp) ? Fault::None() : Fault::WithCode(Vector::kSs, ext);
}

Fault ReadInnerSegment(Context& context, u16 selector, u8 cpl, u32 ext, Descriptor& descriptor) {
  if (IsNullSelector(selector)) {
    return Fault::WithCode(Vector::kTs, ext);
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kTs, ext, descriptor)) {
    return fault;
  }
  const bool is_good =
      (selector & 3) == cpl && descriptor.dpl() == cpl && descriptor.is_writable_data();
  if (!is_good) {
    return SelectorFault(Vector::kTs, selector, ext);
  }
  return descriptor.is_present() ? Fault::None() : SelectorFault(Vector::kSs, selector, ext);
}

Fault ReadGateCode(Context& context, u16 selector, u32 ext, Descriptor& code) {
  if (IsNullSelector(selector)) {
    return Fault::Gp(ext);
  }
  if (Fault fault = ReadDescriptor(context, selector, Vector::kGp, ext, code)) {
    return fault;
  }
  const CpuState& state = context.state;
  const bool is_wrong_size = state.InLongMode() && (!code.is_long() || code.is_big());
  if (!code.is_code() || code.dpl() > state.cpl || is_wrong_size) {
    return SelectorFault(Vector::kGp, selector, ext);
  }
  return code.is_present() ? Fault::None() : SelectorFault(Vector::kNp, selector, ext);
}

}  // namespace tandem::cpu
