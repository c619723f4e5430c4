#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "cpu/decode/inst.h"
#include "jit/analysis/flags.h"
#include "jit/code/block.h"
#include "jit/code/code_space.h"
#include "jit/engine/log_text.h"
#include "jit/x64/thunks.h"

namespace tandem::jit {

// A new block for the log: guest code, what is known of it, and host code side by side.
class BlockText {
 public:
  struct Parts {
    const Unit& unit;
    const Block& block;
    u64 page;  // linear address of the page that the unit's offsets count from
    cpu::DecodeMode mode;
    const std::vector<FlagLiveness>& live;
    const std::vector<InstAccesses>& accesses;
    const Thunks& thunks;
    const CodeSpace& space;
  };
  explicit BlockText(const Parts& parts) : parts_(parts) {}

  // What -d asks for: in_asm, op and out_asm are LogItem's bits. Lines, the last without its end.
  std::string Make(u32 items);

 private:
  u64 AddressOf(const UnitInst& unit_inst) const;
  u64 LeaderOf(const AccessPlan& plan) const;
  void AddHeader();
  void AddInst(size_t i, u32 items);
  void AddPlan(size_t i);
  void AddHost(u32 from, u32 to);
  u32 AddHostInst(u32 at, u32 to);
  u32 HostStartOf(i32 offset) const;
  const char* ThunkAt(const u8* target) const;
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args);

  const Parts parts_;
  std::string text_;
};

}  // namespace tandem::jit
