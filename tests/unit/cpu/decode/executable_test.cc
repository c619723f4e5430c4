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
      {0x0f, 0x38, 0},    {0x0f, 0x3a, 0},   {0x0f, 0, 0},       {0xc4, 0xe2, 0x7d},
      {0xc4, 0xe3, 0x79}, {0xc5, 0xf8, 0},   {0xf3, 0x0f, 0},    {0xf2, 0x0f, 0},
      {0x66, 0x0f, 0},    {0, 0, 0},         {0x62, 0xf1, 0x7d}, {0x62, 0xf2, 0x7d},
      {0x62, 0xb3, 0xfd}, {0x62, 0x71, 0x74}};
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
    if (inst.op != Op::kHost) {
      continue;
    }
    if (thunks.IsFull()) {
      thunks.Clear();
    }
    const bool encoded = thunks.Get(mode, inst) != nullptr;
    CHECK_MESSAGE(encoded, Disassemble(mode, bytes, 0));
  }
}

Inst Decoded(std::vector<u8> code) {
  Inst inst;
  CHECK(Decode({64}, std::as_bytes(std::span(code)), inst) == DecodeStatus::kOk);
  return inst;
}

TEST_CASE("decode: an opmask is no operand, and merging reads the destination") {
  const Inst add = Decoded({0x62, 0xf1, 0x74, 0x49, 0x58, 0x07});  // vaddps zmm0{k1}, zmm1, [rdi]
  CHECK(add.host_class == HostClass::kAvx512);
  CHECK(add.feature == Feature::kAvx512f);
  CHECK_FALSE(add.needs_avx512vl);
  CHECK_EQ(add.operand_count, 3);
  CHECK(add.operands[2].IsMemory());
  CHECK_EQ(add.masking.reg, 1);
  CHECK_EQ(add.masking.bits, 16);
  CHECK_EQ(add.masking.element_size, 4);
  CHECK_EQ(add.masks_read, 2);
  CHECK_EQ(add.vectors_read, 3);
  CHECK_EQ(add.vectors_written, 1);
  const Inst zeroing = Decoded({0x62, 0xf1, 0x74, 0xc9, 0x58, 0x07});
  CHECK_EQ(zeroing.vectors_read, 2);
  const Inst whole = Decoded({0x62, 0xf1, 0x74, 0x48, 0x58, 0x07});
  CHECK_EQ(whole.masking.element_size, 0);
  CHECK_EQ(whole.masks_read, 0);
}

TEST_CASE("decode: sizes and elements of broadcast, packed and narrowed memory operands") {
  const Inst broadcast = Decoded({0x62, 0x61, 0x74, 0xd9, 0x58, 0x3f});  // vaddps {1to16}
  CHECK_EQ(broadcast.operands[2].size, 4);
  CHECK_EQ(broadcast.masking.bits, 16);
  CHECK_EQ(broadcast.vectors_written, u32{1} << 31);
  CHECK(Decoded({0x62, 0xf2, 0x7d, 0x49, 0x8b, 0x17}).masking.is_packed);  // vpcompressd
  const Inst narrowed = Decoded({0x62, 0xf2, 0x7e, 0x49, 0x32, 0x17});     // vpmovqb
  CHECK_EQ(narrowed.operands[0].size, 8);
  CHECK_EQ(narrowed.masking.element_size, 1);
  const Inst permuted = Decoded({0x62, 0xf2, 0x75, 0x49, 0x8d, 0x07});  // vpermb: all is read
  CHECK_EQ(permuted.masking.element_size, 0);
  CHECK(Decoded({0x62, 0xf3, 0x7d, 0x49, 0x39, 0x17, 0x03}).masking.faults_whole);  // vextracti32x4
}

TEST_CASE("decode: EVEX moves that must be aligned, {sae}, and 32-byte forms that need VL") {
  CHECK_EQ(Decoded({0x62, 0xf1, 0x7c, 0x48, 0x28, 0x07}).alignment, 64);  // vmovaps zmm0, [rdi]
  CHECK_EQ(Decoded({0x62, 0xf1, 0x7c, 0x48, 0x10, 0x07}).alignment, 0);   // vmovups zmm0, [rdi]
  const Inst move = Decoded({0x62, 0xe1, 0xfd, 0x28, 0x7f, 0x27});        // vmovdqa64 [rdi], ymm20
  CHECK_EQ(move.alignment, 32);
  CHECK(move.needs_avx512vl);
  const Inst divide = Decoded({0x62, 0xf1, 0x74, 0x18, 0x5e, 0xc2});  // vdivps {rn-sae}
  CHECK(divide.uses_mxcsr);
  CHECK(divide.never_raises_xm);
}

TEST_CASE("decode: opmask registers that are read and written") {
  const Inst both = Decoded({0xc5, 0xec, 0x41, 0xcb});  // kandw k1, k2, k3
  CHECK(both.host_class == HostClass::kAvx512);
  CHECK_EQ(both.masks_read, 0xc);
  CHECK_EQ(both.masks_written, 2);
  CHECK_EQ(Decoded({0xc4, 0xe1, 0xfd, 0x4a, 0xc0}).masks_read, 1);  // kaddd k0, k0, k0
  const Inst pair = Decoded({0x62, 0xf2, 0x77, 0x48, 0x68, 0xda});  // vp2intersectd k3, zmm1, zmm2
  CHECK_EQ(pair.masks_written, 0xc);
  const Inst gather = Decoded({0x62, 0xf2, 0x7d, 0x49, 0x90, 0x04, 0x8f});  // vpgatherdd zmm0{k1}
  CHECK_EQ(gather.masks_read, 2);
  CHECK_EQ(gather.masks_written, 2);
  CHECK_EQ(gather.mem.vector_index_size, 64);
  CHECK_EQ(gather.vectors_read & 2, 2);
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
