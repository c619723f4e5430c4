#include "jit/unit/unit.h"

#include <algorithm>

#include "cpu/decode/decoder.h"

namespace tandem::jit {
namespace {

// Ends the unit with the first STI that is not followed by what it needs.
void CutAtShadow(Unit& unit) {
  auto& insts = unit.insts;
  for (size_t i = 0; i < insts.size(); ++i) {
    if (HasShadow(insts[i]) && (i + 1 == insts.size() || !SuitsShadow(insts[i + 1].treatment))) {
      insts[i].treatment = Treatment::kExecute;
      insts.resize(i + 1);
    }
  }
}

}  // namespace

std::vector<i64> SuccessorsOf(const UnitInst& inst, const std::vector<i32>& targets) {
  switch (inst.treatment) {
    case Treatment::kConditional:
    case Treatment::kLoop:
      return {inst.next(), inst.target()};
    case Treatment::kJump:
      return {inst.target()};
    case Treatment::kJumpIndirect:
      return {targets.begin(), targets.end()};
    case Treatment::kReturn:
    case Treatment::kExecute:
    case Treatment::kInterpret:
    case Treatment::kNeedX87:
    case Treatment::kNeedVectors:
      return {};
    default:
      return {inst.next()};
  }
}

bool HasShadow(const UnitInst& inst) {
  return inst.treatment == Treatment::kInterruptFlag && inst.inst.op == cpu::Op::kSti;
}

const UnitInst* Unit::LeaderAt(i64 offset) const {
  const auto it = std::lower_bound(
      insts.begin(), insts.end(), offset,
      [](const UnitInst& inst, i64 wanted) { return inst.offset < wanted; });
  return it != insts.end() && it->offset == offset && it->is_leader ? &*it : nullptr;
}

std::vector<i64> Unit::OtherPages() const {
  std::vector<i64> pages;
  if (!is_region && PageOf(insts.back().next() - 1) == 0) [[likely]] {
    return pages;
  }
  for (const UnitInst& inst : insts) {
    for (const i64 page : {PageOf(inst.offset), PageOf(inst.next() - 1)}) {
      if (page != 0 && std::find(pages.begin(), pages.end(), page) == pages.end()) {
        pages.push_back(page);
      }
    }
  }
  return pages;
}

bool Unit::LiesIn(i64 page) const {
  return page == 0 || std::any_of(insts.begin(), insts.end(), [&](const UnitInst& inst) {
           return page == PageOf(inst.offset) || page == PageOf(inst.next() - 1);
         });
}

std::optional<UnitInst> ReadInst(const UnitMode& mode, const cpu::CpuModel& model,
                                 CodeWindow& window, i64 offset, bool may_cross) {
  const CodeWindow::Page* const page = window.At(PageOf(offset));
  if (page == nullptr) {
    return std::nullopt;
  }
  std::optional<UnitInst> result(std::in_place);
  result->offset = static_cast<i32>(offset);
  const cpu::DecodeMode decode_mode = cpu::DecodeModeOf(mode.code_bits, mode.is_real, model);
  const auto code = page->bytes.subspan(OffsetInPage(offset));
  cpu::DecodeStatus status = window.Decode(decode_mode, code, result->inst);
  if (status == cpu::DecodeStatus::kNeedBytes && may_cross) {
    const CodeWindow::Page* const next = window.At(PageOf(offset) + 1);
    if (next != nullptr) {
      status = cpu::DecodeAcross(decode_mode, code, next->bytes, result->inst);
    }
  }
  if (status == cpu::DecodeStatus::kNeedBytes) {
    return std::nullopt;
  }
  result->treatment = TreatmentOf(result->inst, mode, model);
  return result;
}

Unit ReadUnit(const UnitMode& mode, const cpu::CpuModel& model, CodeWindow& window, i64 offset,
              size_t max_insts) {
  Unit unit;
  unit.mode = mode;
  unit.insts.reserve(8);
  i64 at = offset;
  while (unit.insts.size() < max_insts && PageOf(at) == PageOf(offset)) {
    std::optional<UnitInst> next = ReadInst(mode, model, window, at, unit.insts.empty());
    if (!next) {
      break;
    }
    next->is_leader = unit.insts.empty();
    at = next->next();
    unit.insts.push_back(*next);
    if (EndsUnit(next->treatment)) {
      break;
    }
  }
  CutAtShadow(unit);
  return unit;
}

}  // namespace tandem::jit
