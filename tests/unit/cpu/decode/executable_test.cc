#include <random>

#include "cpu/decode/decoder.h"
#include "cpu/exec/host_thunks.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

// Random bytes with a prefix and an opcode map in front, so that all maps are reached.
std::array<u8, 15> RandomCode(std::mt19937_64& random) {
  static constexpr std::array<u8, 3> kMaps[] = {
      {0x0f, 0x38, 0}, {0x0f, 0x3a, 0}, {0x0f, 0, 0},    {0xc4, 0xe2, 0x7d}, {0xc4, 0xe3, 0x79},
      {0xc5, 0xf8, 0}, {0xf3, 0x0f, 0}, {0xf2, 0x0f, 0}, {0x66, 0x0f, 0},    {0, 0, 0}};
  std::array<u8, 15> code;
  for (u8& byte : code) {
    byte = static_cast<u8>(random());
  }
  size_t at = 0;
  for (const u8 byte : kMaps[random() % std::size(kMaps)]) {
    if (byte != 0) {
      code[at++] = byte;
    }
  }
  return code;
}

TEST_CASE(
    "decode: whatever decodes has an executor, and what the host runs can be encoded for it") {
  std::mt19937_64 random(5);
  HostThunks thunks;
  for (int i = 0; i < 300000; ++i) {
    const std::array<u8, 15> code = RandomCode(random);
    const DecodeMode mode{static_cast<u8>(16 << (i % 3))};
    const auto bytes = std::as_bytes(std::span(code));
    Inst inst;
    if (Decode(mode, bytes, inst) != DecodeStatus::kOk) {
      continue;
    }
    (void)SelectExec(inst);  // aborts where there is none
    if (inst.op != Op::kHost || inst.host_class == HostClass::kAvx512) {
      continue;
    }
    if (thunks.IsFull()) {
      thunks.Clear();
    }
    const bool encoded = thunks.Get(mode, inst) != nullptr;
    CHECK_MESSAGE(encoded, Disassemble(mode, bytes, 0));
  }
}

TEST_CASE("decode: what would leave user code's rights is never left to the host") {
  const std::vector<std::vector<u8>> refused = {
      {0xf3, 0x0f, 0xae, 0xe8},        // INCSSPD
      {0xf3, 0x0f, 0x01, 0xe8},        // SETSSBSY
      {0xf3, 0x0f, 0x01, 0xea},        // SAVEPREVSSP
      {0x0f, 0x38, 0xf6, 0x07},        // WRSSD
      {0x66, 0x0f, 0x38, 0xf5, 0x07},  // WRUSSD
      {0x0f, 0xaa},                    // RSM
  };
  for (const std::vector<u8>& code : refused) {
    Inst inst;
    CHECK(Decode({64}, std::as_bytes(std::span(code)), inst) == DecodeStatus::kOk);
    CHECK(inst.op == Op::kInvalid);
  }
}

}  // namespace
}  // namespace tandem::cpu
