#include "jit/analysis/fast_loop.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/bits.h"
#include "jit/analysis/constant_added.h"

namespace tandem::jit {
namespace {

using cpu::kNoRegister;

constexpr u8 kWord = 8;
constexpr i64 kMaxDistance = 1 << 30;  // that a displacement holds

class LoopReader {
 public:
  LoopReader(const Unit& unit, const std::vector<InstAccesses>& accesses)
      : unit_(unit), accesses_(accesses) {}

  // The loop that the conditional jump at an index closes.
  std::optional<FastLoop> Read(size_t tail);

 private:
  bool FindHead();
  bool IsPlain(size_t i) const;
  void NoteWrites();
  bool AddAccess(size_t i);
  std::optional<i64> StepOf(u8 reg) const;
  void AddStream(const Stream& stream);
  void FindUnused();

  const Unit& unit_;
  const std::vector<InstAccesses>& accesses_;
  FastLoop loop_;
  u32 read_ = 0;
  u32 changed_ = 0;              // registers that are written other than by adding a constant
  std::array<i64, 16> steps_{};  // what is added to each register all the way round
  std::array<i64, 16> added_{};  // and what so far
};

std::optional<FastLoop> LoopReader::Read(size_t tail) {
  loop_ = {};
  loop_.tail = tail;
  if (!FindHead()) {
    return std::nullopt;
  }
  NoteWrites();
  loop_.stream_of.assign(tail - loop_.head + 1, FastLoop::kNoStream);
  for (size_t i = loop_.head; i < tail; ++i) {
    if (!AddAccess(i)) {
      return std::nullopt;
    }
    if (const std::optional<i64> by = ConstantAdded(unit_.insts[i], kWord)) {
      added_[unit_.insts[i].inst.operands[0].reg] += *by;
    }
  }
  FindUnused();
  return loop_.streams.empty() || loop_.unused.empty() ? std::nullopt : std::optional(loop_);
}

// Back from the jump to where it leads, if there is nothing but plain instructions in between.
bool LoopReader::FindHead() {
  const i64 target = unit_.insts[loop_.tail].target();
  loop_.head = loop_.tail;
  for (size_t i = loop_.tail; !unit_.insts[i].is_leader; --i) {
    if (i == 0 || !IsPlain(i - 1) || !unit_.FallsInto(i - 1)) {
      return false;
    }
    loop_.head = i - 1;
  }
  return loop_.head < loop_.tail && unit_.insts[loop_.head].offset == target;
}

bool LoopReader::IsPlain(size_t i) const {
  switch (unit_.insts[i].treatment) {
    case Treatment::kCopy:
    case Treatment::kNothing:
    case Treatment::kLea:
    case Treatment::kDirection:
      return true;
    case Treatment::kConditional:
      return unit_.insts[i].target() > unit_.insts[loop_.tail].offset;
    default:
      return false;
  }
}

void LoopReader::NoteWrites() {
  read_ = changed_ = 0;
  steps_ = added_ = {};
  for (size_t i = loop_.head; i < loop_.tail; ++i) {
    const cpu::Inst& inst = unit_.insts[i].inst;
    u32 written = inst.gprs_written;
    read_ |= inst.gprs_read | inst.gprs_hidden;
    if (const std::optional<i64> by = ConstantAdded(unit_.insts[i], kWord)) {
      const u8 reg = inst.operands[0].reg;
      steps_[reg] += *by;
      read_ |= 1u << reg;
      written &= ~(1u << reg);
    }
    changed_ |= written;
  }
}

// How much a register that is part of an address grows each time round.
std::optional<i64> LoopReader::StepOf(u8 reg) const {
  if (reg >= 16) {
    return 0;
  }
  return Bit(changed_, reg) ? std::nullopt : std::optional(steps_[reg]);
}

bool LoopReader::AddAccess(size_t i) {
  const AccessPlan& plan = accesses_[i].memory;
  const cpu::MemoryOperand& mem = unit_.insts[i].inst.mem;
  if (plan.form == AccessForm::kNone) {
    return true;
  }
  const AccessPlan& leader = plan.leader != nullptr ? *plan.leader : plan;
  const std::optional<i64> base = StepOf(mem.base), index = StepOf(mem.index);
  if (!base || !index) {
    return false;
  }
  Stream stream{&leader, i, mem.base, mem.index, mem.scale, 0, plan.size, *base + (*index << mem.scale)};
  if (plan.form == AccessForm::kAny) {
    if (*base != 0 || *index != 0) {
      return false;
    }
  } else {
    const auto so_far = [&](u8 reg) { return reg < 16 ? added_[reg] : 0; };
    stream.low = mem.displacement + so_far(mem.base) + (so_far(mem.index) << mem.scale);
    stream.high = stream.low + plan.size;
  }
  loop_.stream_of[i - loop_.head] = loop_.streams.size();
  AddStream(stream);
  return std::abs(stream.step) <= kMaxStreamStep && std::abs(stream.low) <= kMaxDistance;
}

// To one through the same registers, as far as one check can cover both.
void LoopReader::AddStream(const Stream& stream) {
  for (size_t i = 0; i < loop_.streams.size() && !stream.is_fixed(); ++i) {
    Stream& known = loop_.streams[i];
    const i64 low = std::min(known.low, stream.low), high = std::max(known.high, stream.high);
    if (known.is_fixed() || known.base != stream.base || known.index != stream.index ||
        known.scale != stream.scale || high - low > kMaxGroupSpan) {
      continue;
    }
    known.low = low;
    known.high = high;
    known.run = stream.run->is_write ? stream.run : known.run;
    loop_.stream_of[stream.inst - loop_.head] = i;
    return;
  }
  loop_.streams.push_back(stream);
}

void LoopReader::FindUnused() {
  for (u8 reg = 0; reg < 16; ++reg) {
    const bool is_used = Bit(read_ | changed_, reg) || steps_[reg] != 0;
    if (!is_used && reg != cpu::kRsp && !unit_.homes.InMemory(reg)) {
      loop_.unused.push_back(reg);
    }
  }
}

}  // namespace

std::vector<FastLoop> FindFastLoops(const Unit& unit, const std::vector<InstAccesses>& accesses) {
  std::vector<FastLoop> loops;
  if (!unit.is_region || unit.mode.code_bits != 64 || unit.mode.ungrouped) {
    return loops;
  }
  LoopReader reader(unit, accesses);
  for (size_t i = 0; i < unit.insts.size(); ++i) {
    if (unit.insts[i].treatment == Treatment::kConditional &&
        unit.insts[i].target() <= unit.insts[i].offset) {
      if (std::optional<FastLoop> loop = reader.Read(i)) {
        loops.push_back(std::move(*loop));
      }
    }
  }
  return loops;
}

}  // namespace tandem::jit
