#include "cpu/decode/decoder.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "cpu/decode/host_class.h"
#include "cpu/decode/isa_features.h"
#include "cpu/decode/masking.h"
#include "cpu/decode/zydis_mode.h"

namespace tandem::cpu {
namespace {

using ZydisOperands = ZydisDecodedOperand[ZYDIS_MAX_OPERAND_COUNT];

// Op by mnemonic; kHost where ops.inc has no row.
constexpr auto kOpOfMnemonic = [] {
  std::array<Op, ZYDIS_MNEMONIC_MAX_VALUE + 1> table{};
  table.fill(Op::kHost);
#define OP(id, mnemonic) table[ZYDIS_MNEMONIC_##mnemonic] = Op::k##id;
#define ALSO(id, mnemonic) OP(id, mnemonic)
#include "cpu/decode/ops.inc"
#undef ALSO
#undef OP
  return table;
}();

Op OpOf(const ZydisDecodedInstruction& from) {
  // MOVSD and CMPSD name a string instruction and an SSE2 one.
  const bool is_string = from.meta.category == ZYDIS_CATEGORY_STRINGOP;
  if (!is_string &&
      (from.mnemonic == ZYDIS_MNEMONIC_MOVSD || from.mnemonic == ZYDIS_MNEMONIC_CMPSD)) {
    return Op::kHost;
  }
  return kOpOfMnemonic[from.mnemonic];
}

// Number of the full register that reg is a part of, or kNoRegister.
u8 GprNumber(ZydisRegister reg) {
  const ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  if (full < ZYDIS_REGISTER_RAX || full > ZYDIS_REGISTER_R15) {
    return kNoRegister;
  }
  return static_cast<u8>(full - ZYDIS_REGISTER_RAX);
}

void FillRegister(const ZydisDecodedOperand& from, Operand& to) {
  const ZydisRegister reg = from.reg.value;
  to.reg = static_cast<u8>(std::max<int>(ZydisRegisterGetId(reg), 0));
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
      to.kind = OperandKind::kGpr;
      to.reg = GprNumber(reg);
      if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
        to.kind = OperandKind::kHighByte;
        to.reg = static_cast<u8>(reg - ZYDIS_REGISTER_AH);
      }
      break;
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      to.kind = OperandKind::kGpr;
      break;
    case ZYDIS_REGCLASS_SEGMENT:
      to.kind = OperandKind::kSegment;
      break;
    case ZYDIS_REGCLASS_CONTROL:
      to.kind = OperandKind::kControl;
      break;
    case ZYDIS_REGCLASS_DEBUG:
      to.kind = OperandKind::kDebug;
      break;
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
    case ZYDIS_REGCLASS_ZMM:
      to.kind = OperandKind::kVector;
      break;
    case ZYDIS_REGCLASS_MMX:
      to.kind = OperandKind::kMmx;
      break;
    case ZYDIS_REGCLASS_X87:
      to.kind = OperandKind::kX87;
      break;
    case ZYDIS_REGCLASS_MASK:
      to.kind = OperandKind::kMask;
      break;
    default:
      break;
  }
}

SegReg SegmentOf(ZydisRegister reg) {
  return reg == ZYDIS_REGISTER_NONE ? SegReg::kDs : static_cast<SegReg>(reg - ZYDIS_REGISTER_ES);
}

u8 VectorSize(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_ZMM:
      return 64;
    case ZYDIS_REGCLASS_YMM:
      return 32;
    default:
      return 16;
  }
}

void FillMemory(const ZydisDecodedInstruction& insn, const ZydisDecodedOperand& from,
                MemoryOperand& mem) {
  mem.segment = SegmentOf(from.mem.segment);
  mem.address_size = insn.address_width / 8;
  const ZydisRegister base = from.mem.base;
  const bool is_rip = base == ZYDIS_REGISTER_RIP || base == ZYDIS_REGISTER_EIP;
  mem.base = is_rip ? kRipRegister : base == ZYDIS_REGISTER_NONE ? kNoRegister : GprNumber(base);
  mem.is_vsib = from.mem.type == ZYDIS_MEMOP_TYPE_VSIB;
  if (from.mem.index != ZYDIS_REGISTER_NONE) {
    mem.vector_index_size = VectorSize(from.mem.index);
    mem.index = mem.is_vsib ? static_cast<u8>(ZydisRegisterGetId(from.mem.index))
                            : GprNumber(from.mem.index);
    mem.scale = static_cast<u8>(from.mem.scale == 0 ? 0 : __builtin_ctz(from.mem.scale));
  }
  mem.displacement = from.mem.disp.has_displacement ? from.mem.disp.value : 0;
  // A SIB byte without base. Zydis 4.0 takes it for R13D where there are REX.B and a 67 prefix.
  const bool has_sib = (insn.attributes & ZYDIS_ATTRIB_HAS_SIB) != 0;
  if (has_sib && insn.raw.modrm.mod == 0 && insn.raw.sib.base == 5) {
    mem.base = kNoRegister;
    mem.displacement = insn.raw.disp.value;
  }
}

void FillOperand(const ZydisDecodedInstruction& insn, const ZydisDecodedOperand& from, Operand& to,
                 Inst& inst) {
  to.size = static_cast<u16>(from.size / 8);
  to.is_read = (from.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
  to.is_written = (from.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
  switch (from.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      FillRegister(from, to);
      break;
    case ZYDIS_OPERAND_TYPE_MEMORY:
      to.kind = OperandKind::kMemory;
      FillMemory(insn, from, inst.mem);
      break;
    case ZYDIS_OPERAND_TYPE_POINTER:
      to.kind = OperandKind::kFarPointer;
      inst.immediate = from.ptr.offset;
      inst.immediate2 = from.ptr.segment;
      break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      to.kind = OperandKind::kImmediate;
      (inst.op == Op::kEnter && from.id == 1) ? inst.immediate2 = static_cast<u16>(from.imm.value.u)
                                              : inst.immediate = from.imm.value.u;
      break;
    default:
      break;
  }
}

void FillOperands(const ZydisDecodedInstruction& from, const ZydisOperands& operands, Inst& inst) {
  for (u8 i = 0; i < from.operand_count_visible && inst.operand_count < 4; ++i) {
    if (operands[i].encoding != ZYDIS_OPERAND_ENCODING_MASK) {
      FillOperand(from, operands[i], inst.operands[inst.operand_count++], inst);
    }
  }
  inst.masking = MaskingOf(from, operands);
}

void AddRegisterEffect(ZydisRegister reg, bool is_read, bool is_written, Inst& inst) {
  const ZydisRegisterClass reg_class = ZydisRegisterGetClass(reg);
  if (reg_class == ZYDIS_REGCLASS_XMM || reg_class == ZYDIS_REGCLASS_YMM ||
      reg_class == ZYDIS_REGCLASS_ZMM) {
    const u32 bit = 1u << ZydisRegisterGetId(reg);
    inst.vectors_read |= is_read ? bit : 0;
    inst.vectors_written |= is_written ? bit : 0;
  }
  if (reg_class == ZYDIS_REGCLASS_MASK) {
    const auto bit = static_cast<u8>(1u << ZydisRegisterGetId(reg));
    inst.masks_read |= is_read ? bit : 0;
    inst.masks_written |= is_written ? bit : 0;
  }
  const u8 number = GprNumber(reg);
  if (number >= kNoRegister) {
    return;
  }
  inst.gprs_read |= is_read ? 1u << number : 0;
  inst.gprs_written |= is_written ? 1u << number : 0;
}

void FillEffects(const ZydisDecodedInstruction& from, const ZydisOperands& operands, Inst& inst) {
  for (u8 i = 0; i < from.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands[i];
    if (operand.encoding == ZYDIS_OPERAND_ENCODING_MASK && !IsMasked(from)) {
      continue;  // k0 stands for no mask
    }
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      AddRegisterEffect(operand.reg.value, (operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0,
                        (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0, inst);
      const u8 number = GprNumber(operand.reg.value);
      const bool is_hidden = i >= from.operand_count_visible && number < kNoRegister;
      inst.gprs_hidden |= is_hidden ? 1u << number : 0;
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      AddRegisterEffect(operand.mem.base, true, false, inst);
      AddRegisterEffect(operand.mem.index, true, false, inst);
    }
  }
  if (from.mnemonic == ZYDIS_MNEMONIC_VP2INTERSECTD ||
      from.mnemonic == ZYDIS_MNEMONIC_VP2INTERSECTQ) {
    const auto first = static_cast<unsigned>(ZydisRegisterGetId(operands[0].reg.value)) & ~1u;
    inst.masks_written = static_cast<u8>(3u << first);
  }
  if (from.cpu_flags != nullptr) {
    inst.flags_read = from.cpu_flags->tested;
    inst.flags_written = from.cpu_flags->modified | from.cpu_flags->set_0 | from.cpu_flags->set_1 |
                         from.cpu_flags->undefined;
  }
}

u8 GprFieldOf(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) {
    return 0;
  }
  const ZydisRegister reg = operand.reg.value;
  const bool is_high_byte = reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
  if (is_high_byte || GprNumber(reg) == kNoRegister) {
    return 0;
  }
  switch (operand.encoding) {
    case ZYDIS_OPERAND_ENCODING_MODRM_REG:
      return kModrmReg;
    case ZYDIS_OPERAND_ENCODING_MODRM_RM:
      return kModrmRm;
    case ZYDIS_OPERAND_ENCODING_NDSNDD:
      return kVvvv;
    case ZYDIS_OPERAND_ENCODING_OPCODE:
      return kOpcodeLow;
    default:
      return 0;
  }
}

// The immediates come last; an opcode of 3DNow! does not occur.
u8 TailOf(const ZydisDecodedInstruction& from) {
  return from.raw.imm[0].size != 0 ? from.raw.imm[0].offset : from.length;
}

u8 OpcodeOffset(const ZydisDecodedInstruction& from) {
  switch (from.encoding) {
    case ZYDIS_INSTRUCTION_ENCODING_VEX:
      return static_cast<u8>(from.raw.vex.offset + from.raw.vex.size);
    case ZYDIS_INSTRUCTION_ENCODING_EVEX:
      return static_cast<u8>(from.raw.evex.offset + 4);
    default:
      return from.raw.prefix_count;
  }
}

void FillEncoding(const ZydisDecodedInstruction& from, const ZydisOperands& operands, Inst& inst) {
  inst.encoding = from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX    ? Encoding::kVex
                  : from.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ? Encoding::kEvex
                                                                     : Encoding::kLegacy;
  inst.opcode_at = OpcodeOffset(from);
  inst.modrm_at = (from.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0 ? from.raw.modrm.offset : 0;
  inst.tail_at = TailOf(from);
  for (u8 i = 0; i < from.operand_count; ++i) {
    inst.gpr_fields |= GprFieldOf(operands[i]);
  }
}

// String instructions and their like have only hidden operands: the memory one with its segment is
// what matters.
void FillHiddenMemory(const ZydisDecodedInstruction& from, const ZydisOperands& operands,
                      Inst& inst) {
  for (u8 i = from.operand_count_visible; i < from.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base != ZYDIS_REGISTER_NONE &&
        GprNumber(operand.mem.base) != kRsp) {
      // Of MOVS and CMPS the source (rSI) can be overridden, the destination is always ES:rDI.
      if (inst.mem.base == kNoRegister || GprNumber(operand.mem.base) != kRdi) {
        FillMemory(from, operand, inst.mem);
      }
    }
  }
}

// Those of the SHA extensions want them aligned on Intel's processors (SDM Vol. 2, exceptions of
// type 4), on AMD's (seen on Zen 4) they do not; engines are to agree with the host, which executes
// them.
bool HostTakesUnalignedSha() {
  static const bool takes = __builtin_cpu_is("amd") != 0;
  return takes;
}

// SDM Vol. 1, 10.8.3 and 14.9: legacy SSE operands of 16 bytes are aligned but for a few
// instructions, VEX ones only where the mnemonic says so.
bool AcceptsUnaligned(const ZydisDecodedInstruction& from) {
  if (from.meta.isa_set == ZYDIS_ISA_SET_SHA) {
    return HostTakesUnalignedSha();
  }
  switch (from.mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM:
      return true;
    default:
      return false;
  }
}

bool IsAlignedVexMove(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VMOVDQA32:
    case ZYDIS_MNEMONIC_VMOVDQA64:
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVAPD:
    case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVNTPS:
    case ZYDIS_MNEMONIC_VMOVNTPD:
    case ZYDIS_MNEMONIC_VMOVNTDQ:
    case ZYDIS_MNEMONIC_VMOVNTDQA:
      return true;
    default:
      return false;
  }
}

u8 AlignmentOf(const ZydisDecodedInstruction& from, const Inst& inst) {
  u16 size = 0;
  for (const Operand& operand : inst.operands) {
    size = operand.IsMemory() ? operand.size : size;
  }
  if (inst.host_class == HostClass::kSse || inst.host_class == HostClass::kMmx) {
    return size == 16 && !AcceptsUnaligned(from) ? 16 : 0;
  }
  const bool is_avx = inst.host_class == HostClass::kAvx || inst.host_class == HostClass::kAvx512;
  return is_avx && IsAlignedVexMove(from.mnemonic) ? static_cast<u8>(size) : 0;
}

Repeat RepeatOf(const ZydisDecodedInstruction& from) {
  if ((from.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) != 0) {
    return Repeat::kRep;
  }
  return (from.attributes & ZYDIS_ATTRIB_HAS_REPNE) != 0 ? Repeat::kRepne : Repeat::kNone;
}

// Instructions of the vector and x87 units that have executors of their own, but the unit's rules.
bool IsUnitOp(Op op) { return op >= Op::kMaskmovdqu && op <= Op::kVzeroall; }

// VPEXTRQ and VPINSRQ, which Zydis takes for their forms of 32 bits outside 64-bit mode, are #UD
// there.
bool IsWideElsewhere(const ZydisDecodedInstruction& from) {
  const bool is_wide = from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && from.raw.vex.W != 0;
  return is_wide && from.machine_mode != ZYDIS_MACHINE_MODE_LONG_64 &&
         (from.mnemonic == ZYDIS_MNEMONIC_VPEXTRD || from.mnemonic == ZYDIS_MNEMONIC_VPINSRD);
}

void Fill(const ZydisDecodedInstruction& from, const ZydisOperands& operands, Inst& inst) {
  inst.op = OpOf(from);
  inst.mnemonic = static_cast<u16>(from.mnemonic);
  inst.length = from.length;
  inst.operand_size = from.operand_width / 8;
  if (inst.op == Op::kSysret || inst.op == Op::kSysexit) {
    inst.operand_size = from.raw.rex.W != 0 ? 8 : 4;
  }
  inst.address_size = from.address_width / 8;
  inst.stack_size = from.stack_width / 8;
  inst.condition = from.opcode & 0xf;
  inst.repeat = RepeatOf(from);
  inst.has_lock = (from.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
  inst.is_far = from.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
  FillOperands(from, operands, inst);
  FillHiddenMemory(from, operands, inst);
  FillEffects(from, operands, inst);
  FillEncoding(from, operands, inst);
  if (inst.op == Op::kHost || IsUnitOp(inst.op)) {
    inst.host_class = HostClassOf(from, operands);
    inst.uses_mxcsr = UsesMxcsr(from, operands);
    inst.never_raises_xm = NeverRaisesXm(from);
    inst.alignment = AlignmentOf(from, inst);
  }
  inst.needs_avx512vl = NeedsAvx512vl(from.meta.isa_set);
  const bool is_known = FeatureOfIsaSet(from.meta.isa_set, inst.feature);
  const bool is_executable = inst.op != Op::kHost || inst.host_class != HostClass::kNone;
  if (!is_known || !is_executable || IsWideElsewhere(from)) {
    inst.op = Op::kInvalid;
  }
}

// Registers can be named by immediates of VEX encodings; displacements of EVEX encodings are
// scaled.
ConstantFields ConstantsOf(const ZydisDecodedInstruction& from, const Inst& inst) {
  ConstantFields result;
  const auto& displacement = from.raw.disp;
  const auto& immediate = from.raw.imm[0];
  result.displacement = {displacement.offset, static_cast<u8>(displacement.size / 8), true};
  result.immediate = {immediate.offset, static_cast<u8>(immediate.size / 8),
                      immediate.is_signed != 0};
  const bool names_register =
      from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && immediate.size != 0;
  const bool is_plain = from.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
                        from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  result.are_all = is_plain && !names_register && from.raw.imm[1].size == 0 &&
                   !HasOperand(inst, OperandKind::kFarPointer);
  return result;
}

constexpr size_t kMaxLength = ZYDIS_MAX_INSTRUCTION_LENGTH;

// How many bytes tell that they are no instruction: other code may stand there when one changes.
u8 LengthOfUndefined(const ZydisDecoder& decoder, std::span<const std::byte> code) {
  ZydisDecodedInstruction ignored;
  for (size_t size = 1; size < code.size(); ++size) {
    if (ZydisDecoderDecodeInstruction(&decoder, nullptr, code.data(), size, &ignored) !=
        ZYDIS_STATUS_NO_MORE_DATA) {
      return static_cast<u8>(size);
    }
  }
  return static_cast<u8>(code.size());
}

}  // namespace

DecodeStatus Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst) {
  ConstantFields ignored;
  return Decode(mode, code, inst, ignored);
}

DecodeStatus Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst,
                    ConstantFields& constants) {
  inst = Inst{};
  constants = {};
  const ZydisDecoder decoder = MakeZydisDecoder(mode);
  ZydisDecodedInstruction from;
  ZydisOperands operands;
  const size_t length = std::min(code.size(), kMaxLength);
  const ZyanStatus status = ZydisDecoderDecodeFull(&decoder, code.data(), length, &from, operands);
  if (status == ZYDIS_STATUS_NO_MORE_DATA) {
    if (length < kMaxLength) {
      return DecodeStatus::kNeedBytes;
    }
    inst.op = Op::kTooLong;
  } else if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) {
    inst.op = Op::kTooLong;
  } else if (ZYAN_SUCCESS(status)) {
    Fill(from, operands, inst);
    constants = ConstantsOf(from, inst);
  }
  if (inst.length == 0) {
    inst.length = LengthOfUndefined(decoder, code.first(length));
  }
  std::memcpy(inst.bytes.data(), code.data(), std::min<size_t>(length, inst.bytes.size()));
  return DecodeStatus::kOk;
}

DecodeStatus DecodeAcross(DecodeMode mode, std::span<const std::byte> code,
                          std::span<const std::byte> next_page, Inst& inst) {
  std::array<std::byte, 2 * kMaxLength> joined{};
  const size_t first = std::min(code.size(), kMaxLength);
  const size_t second = std::min(next_page.size(), kMaxLength);
  std::copy_n(code.begin(), first, joined.begin());
  std::copy_n(next_page.begin(), second, joined.begin() + static_cast<std::ptrdiff_t>(first));
  return Decode(mode, std::span(joined).first(first + second), inst);
}

DecodeMode DecodeModeOf(u8 code_bits, bool is_real, const CpuModel& model) {
  return {code_bits, is_real, model.Has(Feature::kAbm), model.Has(Feature::kBmi1)};
}

std::string Disassemble(DecodeMode mode, std::span<const std::byte> code, u64 address) {
  const ZydisDecoder decoder = MakeZydisDecoder(mode);
  ZydisDecodedInstruction from;
  ZydisOperands operands;
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &from, operands))) {
    return "(bad)";
  }
  ZydisFormatter formatter;
  CHECK(ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)));
  char text[160];
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &from, operands,
                                                    from.operand_count_visible, text, sizeof(text),
                                                    address, ZYAN_NULL))) {
    return "(bad)";
  }
  return text;
}

}  // namespace tandem::cpu
