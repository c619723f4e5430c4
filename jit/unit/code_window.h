#pragma once

#include <cstddef>
#include <span>

#include "base/ints.h"
#include "cpu/decode/decoder.h"

namespace tandem::jit {

inline constexpr i64 kPageBytes = 4096;

// The page of an offset, and the offset within it, where offsets count from the start of some page.
constexpr i64 PageOf(i64 offset) { return offset >> 12; }
constexpr u16 OffsetInPage(i64 offset) { return static_cast<u16>(offset & (kPageBytes - 1)); }

// The guest's pages around the code that is being translated, as they are mapped now.
class CodeWindow {
 public:
  struct Page {
    std::span<const std::byte> bytes;
    u32 id = 0;                // index into VcpuContext::page_tags
    u64 host() const { return reinterpret_cast<u64>(bytes.data()); }
  };

  virtual ~CodeWindow() = default;
  // The page that lies so many pages after the one that offsets count from; null: it cannot be had.
  virtual const Page* At(i64 page) = 0;
  // As cpu::Decode, which it may have an answer of already.
  virtual cpu::DecodeStatus Decode(cpu::DecodeMode mode, std::span<const std::byte> code,
                                   cpu::Inst& inst) {
    return cpu::Decode(mode, code, inst);
  }
};

}  // namespace tandem::jit
