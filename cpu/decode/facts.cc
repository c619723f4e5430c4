#include "cpu/decode/facts.h"

#include <Zydis/Zydis.h>

#include "base/bits.h"
#include "cpu/decode/zydis_mode.h"

namespace tandem::cpu {
namespace {

// The last byte of an EVEX prefix: z, L'L, b, V', aaa.
u8 LastEvexByte(const Inst& inst) { return inst.bytes[inst.opcode_at - 1u]; }

bool DecodeHead(DecodeMode mode, std::span<const std::byte> code, ZydisDecodedInstruction& to) {
  const ZydisDecoder decoder = MakeZydisDecoder(mode);
  return ZYAN_SUCCESS(
      ZydisDecoderDecodeInstruction(&decoder, nullptr, code.data(), code.size(), &to));
}

}  // namespace

std::string_view MnemonicName(u16 mnemonic) {
  const char* const name = ZydisMnemonicGetString(static_cast<ZydisMnemonic>(mnemonic));
  return name == nullptr ? "(bad)" : name;
}

u32 UndefinedFlags(DecodeMode mode, std::span<const std::byte> code) {
  ZydisDecodedInstruction from;
  const bool is_known = DecodeHead(mode, code, from) && from.cpu_flags != nullptr;
  return is_known ? from.cpu_flags->undefined : 0;
}

bool IsUnknownEverywhere(DecodeMode mode, std::span<const std::byte> code) {
  ZydisDecodedInstruction from;
  return !DecodeHead(mode, code, from);
}

bool HasEvexZeroing(const Inst& inst) {
  return inst.encoding == Encoding::kEvex && Bit(LastEvexByte(inst), 7);
}

bool HasEvexBroadcast(const Inst& inst) {
  return inst.encoding == Encoding::kEvex && Bit(LastEvexByte(inst), 4);
}

}  // namespace tandem::cpu
