#pragma once

#include <cstdio>
#include <memory>
#include <string_view>

#include "jit/code/block.h"
#include "jit/code/code_space.h"
#include "jit/x64/thunks.h"

namespace tandem::jit {

// /tmp/perf-PID.map: names for emitted code, as perf looks them up (Linux, tools/perf/Documentation/
// jit-interface.txt). Calls are serialised by the caller.
class PerfMap {
 public:
  // Warns where the file cannot be made; nothing is written then.
  PerfMap(const Thunks& thunks, const CodeSpace& space);

  // A block of the guest bytes at this offset of guest memory.
  void Add(const Block& block, const CodeSpace& space, std::string_view ram, u64 offset);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace tandem::jit
