#pragma once

#include <optional>
#include <vector>

#include "cpu/decode/inst.h"
#include "cpu/state/cpu_model.h"
#include "jit/unit/hints.h"
#include "jit/unit/code_window.h"
#include "jit/unit/homes.h"
#include "jit/unit/treatment.h"
#include "jit/unit/unit_mode.h"

namespace tandem::jit {

// Offsets of instructions count from the start of the page in which the unit is entered.
struct UnitInst {
  cpu::Inst inst;
  Treatment treatment{};
  i32 offset = 0;
  bool is_leader = false;  // the unit is entered here, or control comes here from elsewhere in it
  u32 weight = 1;          // how often it runs, by a guess

  i32 next() const { return offset + inst.length; }
  // Of direct jumps and calls.
  i64 target() const { return i64{next()} + static_cast<i64>(inst.immediate); }
};

// Guest instructions that are translated together, by address. A straight unit lies in one page, but
// for its only instruction, and may be left by any conditional jump; a region consists of the basic
// blocks of a loop and may lie in several pages.
struct Unit {
  UnitMode mode;
  std::vector<UnitInst> insts;
  size_t entry = 0;  // index of the instruction that it is entered at
  bool is_region = false;
  Homes homes;
  Hints hints;

  i32 start() const { return insts[entry].offset; }
  // The instruction at an offset that control may come to; null: there is none in the unit.
  const UnitInst* LeaderAt(i64 offset) const;
  // Whether control goes on at insts[i + 1] unless it jumps.
  bool FallsInto(size_t i) const {
    return i + 1 < insts.size() && insts[i + 1].offset == insts[i].next();
  }
  // All pages with bytes of it other than that of the entry.
  std::vector<i64> OtherPages() const;
  // Whether the entry or bytes of it lie in the page.
  bool LiesIn(i64 page) const;
};

inline constexpr size_t kMaxUnitInsts = 48;

// Reads a straight unit of at most max_insts instructions that starts at an offset of page 0. The
// next page is asked for only if the first instruction goes on there. No instruction: it cannot be
// had.
Unit ReadUnit(const UnitMode& mode, const cpu::CpuModel& model, CodeWindow& window, i64 offset,
              size_t max_insts = kMaxUnitInsts);

// Where control may go on without leaving the unit, from an instruction of a region whose indirect jumps
// lead to some targets. Calls come back.
std::vector<i64> SuccessorsOf(const UnitInst& inst, const std::vector<i32>& targets);

// Whether the instruction holds off interrupts until the one behind it is done.
bool HasShadow(const UnitInst& inst);

// One instruction, whose bytes may go on in the next page; nothing if they cannot be had.
std::optional<UnitInst> ReadInst(const UnitMode& mode, const cpu::CpuModel& model,
                                 CodeWindow& window, i64 offset, bool may_cross);

}  // namespace tandem::jit
