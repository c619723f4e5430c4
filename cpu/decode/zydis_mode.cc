#include "cpu/decode/zydis_mode.h"

#include "base/check.h"

namespace tandem::cpu {
namespace {

ZydisMachineMode MachineMode(DecodeMode mode) {
  if (mode.is_real) {
    return mode.bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_REAL_16;
  }
  switch (mode.bits) {
    case 16:
      return ZYDIS_MACHINE_MODE_LEGACY_16;
    case 32:
      return ZYDIS_MACHINE_MODE_LEGACY_32;
    default:
      return ZYDIS_MACHINE_MODE_LONG_64;
  }
}

ZydisStackWidth StackWidth(DecodeMode mode) {
  switch (mode.bits) {
    case 16:
      return ZYDIS_STACK_WIDTH_16;
    case 32:
      return ZYDIS_STACK_WIDTH_32;
    default:
      return ZYDIS_STACK_WIDTH_64;
  }
}

}  // namespace

ZydisDecoder MakeZydisDecoder(DecodeMode mode) {
  ZydisDecoder decoder;
  CHECK(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, MachineMode(mode), StackWidth(mode))));
  CHECK(ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_LZCNT, mode.has_lzcnt)));
  CHECK(ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_TZCNT, mode.has_tzcnt)));
  // The opcodes of MPX do nothing without it. SDM Vol. 1, 17.1 of the edition that has it.
  CHECK(ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE)));
  return decoder;
}

}  // namespace tandem::cpu
