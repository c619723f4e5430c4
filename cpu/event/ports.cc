// Port I/O. SDM Vol. 1, 18.5.
#include <array>

#include "base/bits.h"
#include "cpu/event/system.h"

namespace tandem::cpu {
namespace {

constexpr u32 kBitmapPointer = 0x66;  // in the TSS

void MatchIoBreakpoints(CpuState& state, u16 port, u32 size) {
  if ((state.dr7 & 0xff) == 0 || (state.cr4 & kCr4De) == 0) [[likely]] {
    return;
  }
  constexpr u32 kLengths[] = {1, 2, 8, 4};
  for (unsigned i = 0; i < 4; ++i) {
    const bool is_armed = BitsOf(state.dr7, 2 * i, 2) != 0 && BitsOf(state.dr7, 16 + 4 * i, 2) == 2;
    const u32 length = kLengths[BitsOf(state.dr7, 18 + 4 * i, 2)];
    const u64 start = AlignDown(state.dr[i], length);
    if (is_armed && start < u64{port} + size && port < start + length) {
      state.pending_dr6 |= u64{1} << i;
    }
  }
}

Fault CheckBitmap(Context& context, u16 port, u32 size) {
  const Segment& tr = context.state.tr;
  const bool is_wide = (tr.type() & 8) != 0;
  std::array<std::byte, 2> bytes;
  if (!tr.is_present() || !is_wide || tr.limit < kBitmapPointer + 1) {
    return Fault::Gp();
  }
  if (Fault fault = context.mmu.ReadSystem(Gva(tr.base + kBitmapPointer), bytes)) {
    return fault;
  }
  const u32 offset = LoadLe<u16>(bytes.data()) + port / 8u;
  if (offset + 1 > tr.limit) {
    return Fault::Gp();
  }
  if (Fault fault = context.mmu.ReadSystem(Gva(tr.base + offset), bytes)) {
    return fault;
  }
  return BitsOf(LoadLe<u16>(bytes.data()), port % 8, size) == 0 ? Fault::None() : Fault::Gp();
}

}  // namespace

Fault CheckPortAccess(Context& context, u16 port, u32 size) {
  const CpuState& state = context.state;
  const bool asks_bitmap =
      state.InProtectedMode() && (state.InVirtual8086() || state.cpl > state.Iopl());
  return asks_bitmap ? CheckBitmap(context, port, size) : Fault::None();
}

u32 ReadPort(Context& context, u16 port, u32 size) {
  MatchIoBreakpoints(context.state, port, size);
  std::array<std::byte, 4> bytes{};
  (void)context.ports.View()->Read(Gpa(port), std::span(bytes).first(size));
  return LoadLe<u32>(bytes.data());
}

void WritePort(Context& context, u16 port, u32 size, u32 value) {
  MatchIoBreakpoints(context.state, port, size);
  std::array<std::byte, 4> bytes;
  StoreLe(bytes.data(), value);
  (void)context.ports.View()->Write(Gpa(port), std::span(bytes).first(size));
}

}  // namespace tandem::cpu
