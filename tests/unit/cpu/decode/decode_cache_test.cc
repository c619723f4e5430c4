#include "cpu/decode/decode_cache.h"

#include <cstring>
#include <random>
#include <vector>

// After our headers: it has a CHECK of its own.
#undef CHECK
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

using Code = std::array<u8, 32>;

constexpr size_t kShape = 6;

// Few openings with many constants behind them, so that most are met again with other constants.
class CodeSource {
 public:
  explicit CodeSource(u64 seed) : random_(seed) {
    for (Code& opening : openings_) {
      for (u8& byte : opening) {
        byte = static_cast<u8>(random_());
      }
      Begin(opening);
    }
  }

  Code Next() {
    Code code = openings_[random_() % openings_.size()];
    for (size_t i = random_() % kShape; i < code.size(); ++i) {
      code[i] = static_cast<u8>(random_());
    }
    return code;
  }

 private:
  void Begin(Code& code) {
    static constexpr std::array<std::array<u8, 3>, 16> kMaps = {{{0x0f, 0x38, 0}, {0x0f, 0x3a, 0},
        {0x0f, 0, 0}, {0xc4, 0xe2, 0x7d}, {0xc4, 0xe3, 0x79}, {0xc5, 0xf8, 0}, {0xf3, 0x0f, 0},
        {0x66, 0x0f, 0}, {0x48, 0, 0}, {0x66, 0x45, 0}, {0x67, 0, 0}, {0x0f, 0x20, 0},
        {0x62, 0xf1, 0x7d}, {0x48, 0x66, 0}, {0, 0, 0}, {0x41, 0, 0}}};
    size_t at = 0;
    for (const u8 byte : kMaps[random_() % kMaps.size()]) {
      if (byte != 0) {
        code[at++] = byte;
      }
    }
  }

  std::mt19937_64 random_;
  std::array<Code, 200> openings_;
};

TEST_CASE("decode cache: what it remembers is what the decoder says, in each mode") {
  CodeSource source(7);
  DecodeCache cache;
  for (int i = 0; i < 300000; ++i) {
    const Code code = source.Next();
    const auto bits = static_cast<u8>(16 << (i % 3));
    const DecodeMode mode{bits, bits != 64 && i % 7 == 3, i % 5 != 0, i % 11 != 0};
    const auto bytes = std::as_bytes(std::span(code));
    Inst expected, found;
    const DecodeStatus status = Decode(mode, bytes, expected);
    REQUIRE(cache.Decode(mode, bytes, found) == status);
    const bool is_same = found == expected;
    CAPTURE(Disassemble(mode, bytes, 0));
    REQUIRE(is_same);
  }
}

TEST_CASE("decode cache: all opcodes of one and two bytes, twice with other constants") {
  DecodeCache cache;
  std::mt19937_64 random(3);
  for (int i = 0; i < 0x40000; ++i) {
    Code code;
    for (u8& byte : code) {
      byte = static_cast<u8>(random());
    }
    size_t at = 0;
    if ((i & 1) != 0) {
      code[at++] = 0x0f;
    }
    code[at++] = static_cast<u8>(i >> 1);   // the opcode
    code[at] = static_cast<u8>((i >> 9 & 7) << 3 | (i >> 12 & 3) << 6 | (i >> 14 & 1) << 2);
    for (int again = 0; again < 2; ++again) {
      Inst expected, found;
      REQUIRE(Decode({64}, std::as_bytes(std::span(code)), expected) ==
              cache.Decode({64}, std::as_bytes(std::span(code)), found));
      const bool is_same = found == expected;
      CAPTURE(i);
      REQUIRE(is_same);
      code.back() ^= 0xff;
      for (size_t j = expected.tail_at; j < code.size(); ++j) {
        code[j] ^= 0x80;
      }
    }
  }
}

TEST_CASE("decode cache: an instruction at the end of the bytes asks for more") {
  DecodeCache cache;
  const std::array<u8, 32> code = {0x48, 0xc7, 0xc0, 1, 2, 3, 4};  // mov rax, 0x4030201
  Inst inst;
  REQUIRE(cache.Decode({64}, std::as_bytes(std::span(code)), inst) == DecodeStatus::kOk);
  CHECK_EQ(inst.immediate, 0x4030201);
  CHECK(cache.Decode({64}, std::as_bytes(std::span(code)).first(6), inst) ==
        DecodeStatus::kNeedBytes);
  CHECK(cache.Decode({64}, std::as_bytes(std::span(code)).first(7), inst) == DecodeStatus::kOk);
}

}  // namespace
}  // namespace tandem::cpu
