#include "jit/engine/perf_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"

namespace tandem::jit {

PerfMap::PerfMap(const Thunks& thunks, const CodeSpace& space) {
  const std::string path = fmt::format("/tmp/perf-{}.map", ::getpid());
  file_.reset(std::fopen(path.c_str(), "w"));
  if (file_ == nullptr) {
    Warn("-perfmap: cannot write {}", path);
    return;
  }
  fmt::print(file_.get(), "{:x} {:x} tandem-thunks\n", reinterpret_cast<u64>(space.executable()),
             thunks.size);
}

void PerfMap::Add(const Block& block, const CodeSpace& space, std::string_view ram, u64 offset) {
  if (file_ != nullptr) {
    fmt::print(file_.get(), "{:x} {:x} {}:{:x}\n",
               reinterpret_cast<u64>(space.ToExecutable(block.code)), block.code_size, ram, offset);
    std::fflush(file_.get());
  }
}

}  // namespace tandem::jit
