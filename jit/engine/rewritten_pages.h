#pragma once

#include <array>
#include <span>
#include <unordered_map>

#include "base/ints.h"

namespace tandem::jit {

// Pages whose code is overwritten again and again. Translating it each time costs more than it saves,
// and so does to look after it: C++ executes it instruction by instruction as it stands, until it has
// stood unchanged for a while. Pages are named by their host address; the caller serialises.
class RewrittenPages {
 public:
  // Bytes of the page were written, and some translation was lost.
  void NoteRetired(u64 page) {
    if (pages_.size() >= kMaxPages) {
      pages_.clear();
    }
    Page& found = pages_[page];
    found.retired += found.retired < kHot ? 1 : 0;
    found.quiet_steps = 0;
  }
  // Whether the code there is not to be translated now.
  bool IsHot(u64 page) const {
    const auto it = pages_.find(page);
    return it != pages_.end() && it->second.retired >= kHot;
  }
  // An instruction at this offset of the page is executed.
  void NoteStep(u64 page, u16 offset, std::span<const u8> bytes) {
    const auto it = pages_.find(page);
    if (it == pages_.end()) {
      return;
    }
    Seen& seen = it->second.seen[offset % kSeen];
    const u32 hash = HashOf(bytes);
    const bool is_changed = seen.offset == offset && seen.hash != hash;
    seen = {offset, hash};
    it->second.quiet_steps = is_changed ? 0 : it->second.quiet_steps + 1;
    if (it->second.quiet_steps > kQuietSteps) {
      pages_.erase(it);
    }
  }

 private:
  static constexpr u32 kHot = 16;
  static constexpr u32 kQuietSteps = 100;
  static constexpr size_t kMaxPages = 1024;
  static constexpr size_t kSeen = 64;

  struct Seen {
    u16 offset = 0xffff;  // none
    u32 hash = 0;
  };
  struct Page {
    u32 retired = 0;
    u32 quiet_steps = 0;  // since an instruction was not what it had been before
    std::array<Seen, kSeen> seen;
  };

  static u32 HashOf(std::span<const u8> bytes) {
    u32 hash = 2166136261;
    for (const u8 byte : bytes) {
      hash = (hash ^ byte) * 16777619;
    }
    return hash;
  }

  std::unordered_map<u64, Page> pages_;
};

}  // namespace tandem::jit
