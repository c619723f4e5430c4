#include "cpu/exec/code_arena.h"

#include <cstring>

#include "base/bits.h"
#include "base/check.h"

namespace tandem::cpu {

const void* CodeArena::Add(std::span<const u8> code) {
  CHECK(code.size() <= left());
  std::memcpy(memory_.writable() + used_, code.data(), code.size());
  const void* at = memory_.executable() + used_;
  used_ = AlignUp(used_ + code.size(), 16);
  return at;
}

}  // namespace tandem::cpu
