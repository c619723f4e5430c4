#include "jit/unit/unit.h"

#include <algorithm>
#include <array>

#include "cpu/decode/decoder.h"

namespace tandem::jit {
namespace {

constexpr size_t kMaxLength = 15;

cpu::DecodeStatus DecodeAcross(cpu::DecodeMode mode, std::span<const std::byte> code,
                               std::span<const std::byte> next_page, cpu::Inst& inst) {
  std::array<std::byte, 2 * kMaxLength> joined{};
  const size_t first = std::min(code.size(), kMaxLength);
  const size_t second = std::min(next_page.size(), kMaxLength);
  std::copy_n(code.begin(), first, joined.begin());
  std::copy_n(next_page.begin(), second, joined.begin() + static_cast<std::ptrdiff_t>(first));
  return cpu::Decode(mode, std::span(joined).first(first + second), inst);
}

// Ends the unit with the first STI that is not followed by what it needs.
void CutAtShadow(Unit& unit) {
  auto& insts = unit.insts;
  for (size_t i = 0; i < insts.size(); ++i) {
    const bool has_shadow =
        insts[i].treatment == Treatment::kInterruptFlag && insts[i].inst.op == cpu::Op::kSti;
    if (has_shadow && (i + 1 == insts.size() || !SuitsShadow(insts[i + 1].treatment))) {
      insts[i].treatment = Treatment::kExecute;
      insts.resize(i + 1);
    }
  }
}

}  // namespace

cpu::DecodeMode ToDecodeMode(const UnitMode& mode, const cpu::CpuModel& model) {
  return {mode.code_bits, mode.is_real, model.Has(cpu::Feature::kAbm),
          model.Has(cpu::Feature::kBmi1)};
}

Unit ReadUnit(const UnitMode& mode, const cpu::CpuModel& model, std::span<const std::byte> page,
              u16 page_offset, std::span<const std::byte> next_page, size_t max_insts) {
  Unit unit;
  unit.mode = mode;
  const cpu::DecodeMode decode_mode = ToDecodeMode(mode, model);
  size_t at = page_offset;
  while (unit.insts.size() < max_insts && at < page.size()) {
    UnitInst next;
    next.offset = static_cast<u16>(at);
    cpu::DecodeStatus status = cpu::Decode(decode_mode, page.subspan(at), next.inst);
    if (status == cpu::DecodeStatus::kNeedBytes && unit.insts.empty() && !next_page.empty()) {
      status = DecodeAcross(decode_mode, page.subspan(at), next_page, next.inst);
      unit.crosses_page = true;
    }
    if (status == cpu::DecodeStatus::kNeedBytes) {
      break;
    }
    next.treatment = TreatmentOf(next.inst, mode, model);
    at += next.inst.length;
    unit.insts.push_back(next);
    if (EndsUnit(next.treatment)) {
      break;
    }
  }
  CutAtShadow(unit);
  return unit;
}

}  // namespace tandem::jit
