#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "jit/code/code_space.h"
#include "jit/x64/thunks.h"

namespace tandem::jit {

// Names of emitted code for a debugger that is attached to the process: GDB's JIT compilation interface
// (GDB manual, "JIT Compilation Interface"), small ELF images in memory. They also say how frames of
// emitted code are left, so that a backtrace shows the guest's calls. Calls are serialised by the caller.
class GdbJit {
 public:
  GdbJit(const Thunks& thunks, const CodeSpace& space);
  ~GdbJit();
  GdbJit(const GdbJit&) = delete;
  GdbJit& operator=(const GdbJit&) = delete;

  // A block at this executable address: "guest_0xffffffff81000000".
  void Add(const u8* code, u32 size, u64 linear);
  // The code there is no more.
  void Forget(const u8* start, size_t size);

  // The images of the names, thunks first: for tests.
  std::vector<std::string_view> Images() const;

 private:
  class Image;

  void AddThunks(const Thunks& thunks, const CodeSpace& space);

  std::vector<std::unique_ptr<Image>> images_;
};

}  // namespace tandem::jit
