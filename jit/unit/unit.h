#pragma once

#include <span>
#include <vector>

#include "cpu/decode/inst.h"
#include "cpu/state/cpu_model.h"
#include "jit/unit/treatment.h"
#include "jit/unit/unit_mode.h"

namespace tandem::jit {

struct UnitInst {
  cpu::Inst inst;
  Treatment treatment{};
  u16 offset = 0;  // in the page
  u16 next() const { return static_cast<u16>(offset + inst.length); }
};

// A run of guest instructions within one page, to be translated together. It may be left by any
// conditional jump in it; it ends with the last instruction.
struct Unit {
  UnitMode mode;
  std::vector<UnitInst> insts;
  bool crosses_page = false;  // the only instruction goes on in the next page

  u16 start() const { return insts.front().offset; }
  u16 end() const { return insts.back().next(); }
};

inline constexpr size_t kMaxUnitInsts = 48;

// Reads a unit of at most max_insts instructions that starts at page_offset. page: the guest's bytes of the page; next_page: the first
// bytes of the next one, looked at only if the first instruction needs them. No instruction: it goes
// on beyond both.
Unit ReadUnit(const UnitMode& mode, const cpu::CpuModel& model, std::span<const std::byte> page,
              u16 page_offset, std::span<const std::byte> next_page,
              size_t max_insts = kMaxUnitInsts);

// The decoder's view of a mode.
cpu::DecodeMode ToDecodeMode(const UnitMode& mode, const cpu::CpuModel& model);

}  // namespace tandem::jit
