#pragma once

#include <unordered_map>

#include "base/ints.h"

namespace tandem::jit {

// Pages whose code is overwritten again and again. Translating it each time costs more than it
// saves: the interpreter runs it, until it has stood unchanged for a while. Pages are named by their
// host address; the caller serialises.
class RewrittenPages {
 public:
  // Bytes of the page were written, and some translation was lost.
  void NoteRetired(u64 page) {
    if (pages_.size() >= kMaxPages) {
      pages_.clear();
    }
    Page& found = pages_[page];
    found.retired += found.retired < kHot ? 1 : 0;
    found.quiet_steps = found.quiet_writes = 0;
  }
  // Bytes were written where nothing was translated.
  void NoteWrite(u64 page) {
    if (const auto it = pages_.find(page); it != pages_.end()) {
      it->second.quiet_steps = 0;
      ++it->second.quiet_writes;
    }
  }
  // Whether the code there is the interpreter's now; counts the instructions that it gets.
  bool TakeStep(u64 page) {
    const auto it = pages_.find(page);
    if (it == pages_.end() || it->second.retired < kHot) {
      return false;
    }
    if (++it->second.quiet_steps > kQuietSteps) {
      pages_.erase(it);
      return false;
    }
    return true;
  }
  // Whether writes are to be seen although nothing is translated at the moment.
  bool IsWatched(u64 page) const {
    const auto it = pages_.find(page);
    return it != pages_.end() && it->second.retired >= kHot &&
           it->second.quiet_writes < kQuietWrites;
  }

 private:
  static constexpr u32 kHot = 16;
  static constexpr u32 kQuietSteps = 100;
  static constexpr u32 kQuietWrites = 4000;
  static constexpr size_t kMaxPages = 4096;

  struct Page {
    u32 retired = 0;
    u32 quiet_steps = 0;   // since the last write
    u32 quiet_writes = 0;  // since a translation was lost
  };
  std::unordered_map<u64, Page> pages_;
};

}  // namespace tandem::jit
