#include <Zydis/Zydis.h>

#include "cpu/decode/decoder.h"
#include "cpu/decode/zydis_mode.h"

namespace tandem::cpu {
namespace {

// The same part (8, 16, 32 or 64 bits) of another register; what is no GPR stays as it is.
ZydisRegister MapRegister(ZydisRegister reg, const std::array<u8, 16>& map) {
  if (reg == ZYDIS_REGISTER_SPL) {  // only RSP is ever mapped, to RBP or RBX
    return map[kRsp] == kRbp ? ZYDIS_REGISTER_BPL : ZYDIS_REGISTER_BL;
  }
  const ZydisRegisterClass reg_class = ZydisRegisterGetClass(reg);
  if (reg_class != ZYDIS_REGCLASS_GPR16 && reg_class != ZYDIS_REGCLASS_GPR32 &&
      reg_class != ZYDIS_REGCLASS_GPR64) {
    return reg;
  }
  return ZydisRegisterEncode(reg_class, map[static_cast<size_t>(ZydisRegisterGetId(reg))]);
}

void ReplaceMemory(ZydisEncoderOperand& operand, u8 base) {
  const ZyanU16 size = operand.mem.size;
  operand.mem = {};
  operand.mem.size = size;
  operand.mem.base = ZydisRegisterEncode(ZYDIS_REGCLASS_GPR64, base);
}

}  // namespace

size_t EncodeForHost(DecodeMode mode, const Inst& inst, const HostEncodingRequest& request,
                     std::span<u8> out) {
  const ZydisDecoder decoder = MakeZydisDecoder(mode);
  ZydisDecodedInstruction decoded;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(
          ZydisDecoderDecodeFull(&decoder, inst.bytes.data(), inst.length, &decoded, operands))) {
    return 0;
  }
  ZydisEncoderRequest encoder;
  if (!ZYAN_SUCCESS(ZydisEncoderDecodedInstructionToEncoderRequest(
          &decoded, operands, decoded.operand_count_visible, &encoder))) {
    return 0;
  }
  encoder.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
  encoder.address_size_hint = ZYDIS_ADDRESS_SIZE_HINT_NONE;
  encoder.prefixes &= ~static_cast<ZydisInstructionAttributes>(ZYDIS_ATTRIB_HAS_SEGMENT);
  for (ZyanU8 i = 0; i < encoder.operand_count; ++i) {
    ZydisEncoderOperand& operand = encoder.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      ReplaceMemory(operand, request.memory_base);
    } else if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      operand.reg.value = MapRegister(operand.reg.value, request.gpr);
    }
  }
  ZyanUSize length = out.size();
  return ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&encoder, out.data(), &length)) ? length : 0;
}

}  // namespace tandem::cpu
