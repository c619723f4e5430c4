#pragma once

#include <vector>

#include "jit/code/block.h"
#include "jit/engine/mapped_window.h"
#include "jit/unit/unit.h"

namespace tandem::jit {

// The guest bytes that a block depends on, as they were read: in memory others may change them
// meanwhile.
class Footprint {
 public:
  // Forgets all, for a block in the pages of a window.
  void Begin(MappedWindow& window);
  void Add(const UnitInst& inst);

  const std::vector<GuestSpan>& spans() const { return spans_; }
  // As ContentHash has it of these spans.
  u64 Content() const;
  // Whether the same bytes stand in memory now.
  bool IsUnchanged() const;

 private:
  u64 HostOf(i64 offset);
  void AddBytes(u64 address, std::span<const u8> bytes);

  MappedWindow* window_ = nullptr;
  i64 last_page_ = 0;
  u64 last_host_ = 0;
  std::vector<GuestSpan> spans_;
  std::vector<u8> bytes_;  // of the spans, one after the other
};

}  // namespace tandem::jit
