#include "jit/x64/reencode.h"

#include <algorithm>

#include "base/bits.h"

// SDM Vol. 2, 2.1-2.7: prefixes, REX, VEX and EVEX.
namespace tandem::jit {
namespace {

using cpu::Encoding;
using cpu::Inst;

constexpr u8 kRexW = 8, kRexR = 4, kRexX = 2, kRexB = 1;

// What stands before the opcode, all in REX's sense: extension bits that are set extend.
struct Prefixes {
  bool has_66 = false, has_lock = false, has_rex = false;
  u8 repeat = 0;  // f2 or f3
  u8 rex = 0;     // W, R, X, B
};

Prefixes ReadLegacyPrefixes(const Inst& inst, u8 code_bits) {
  Prefixes result;
  for (u8 i = 0; i < inst.opcode_at; ++i) {
    const u8 byte = inst.bytes[i];
    if (code_bits == 64 && (byte & 0xf0) == 0x40) {
      result.rex = byte & 0xf;
      result.has_rex = true;
      continue;
    }
    result.rex = 0;  // it counts only right before the opcode
    result.has_rex = false;
    if (byte == 0x66) {
      result.has_66 = true;
    } else if (byte == 0xf0) {
      result.has_lock = true;
    } else if (byte == 0xf2 || byte == 0xf3) {
      result.repeat = byte;
    }
  }
  return result;
}

// R, X, B (as REX has them), and vvvv of a VEX or EVEX prefix.
struct VectorPrefix {
  u8 rxb = 0;
  u8 vvvv = 0;
  const u8* bytes = nullptr;  // of the prefix
};

VectorPrefix ReadVectorPrefix(const Inst& inst, u8 code_bits) {
  VectorPrefix result;
  const u8 length = inst.encoding == Encoding::kEvex                  ? 4
                    : inst.opcode_at >= 3 && inst.bytes[inst.opcode_at - 3] == 0xc4 ? 3
                                                                                    : 2;
  result.bytes = &inst.bytes[inst.opcode_at - length];
  const u8* const at = result.bytes;
  const u8 last = length == 2 ? at[1] : at[2];
  result.vvvv = static_cast<u8>((~last >> 3) & 0xf);
  result.rxb = static_cast<u8>((~at[1] >> 5) & (length == 2 ? 4 : 7));
  if (code_bits != 64) {  // there are eight registers: what would extend is ignored
    result.vvvv &= 7;
    result.rxb = 0;
  }
  return result;
}

u8 ExtensionBits(const Inst& inst, u8 code_bits) {
  return inst.encoding == Encoding::kLegacy ? ReadLegacyPrefixes(inst, code_bits).rex
                                            : ReadVectorPrefix(inst, code_bits).rxb;
}

// Outside 64-bit mode W does not make general registers, or what stands for one in memory, wider.
bool IgnoresW(const Inst& inst, u8 map, u8 pp) {
  const u8 opcode = inst.bytes[inst.opcode_at];
  const bool is_scalar = pp >= 2;
  return inst.gpr_fields != 0 || (map == 1 && pp == 1 && (opcode == 0x6e || opcode == 0x7e)) ||
         (map == 1 && is_scalar && (opcode == 0x2a || opcode == 0x7b)) ||
         (map == 3 && (opcode == 0x16 || opcode == 0x22)) ||
         (map == 3 && (opcode == 0x60 || opcode == 0x61));  // lengths in EAX and EDX
}

// The bytes of a host instruction as they are put together.
class Writer {
 public:
  Writer(const Inst& inst, const GprFields& fields, const Reencoding& request,
         std::span<u8, kMaxHostLength> out)
      : inst_(inst), request_(request), out_(out), fields_(fields) {
    MapModrm();
  }

  size_t Write() {
    switch (inst_.encoding) {
      case Encoding::kLegacy:
        WriteLegacy();
        break;
      case Encoding::kVex:
        WriteVex();
        break;
      case Encoding::kEvex:
        WriteEvex();
        break;
    }
    return at_;
  }

 private:
  void Put(u8 byte) { out_[at_++] = byte; }
  void PutRange(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      Put(inst_.bytes[i]);
    }
  }
  u8 Host(u8 guest) const { return request_.gpr[guest]; }
  bool has_modrm() const { return inst_.modrm_at != 0; }

  void MapModrm();
  void WriteLegacy();
  void WriteVex();
  void WriteEvex();
  void WriteModrm();
  void WriteMemory();
  bool NeedsOperandSizePrefix(const Prefixes& prefixes) const;
  void WriteOpcode();

  const Inst& inst_;
  const Reencoding& request_;
  std::span<u8, kMaxHostLength> out_;
  const GprFields& fields_;
  size_t at_ = 0;
  u8 reg_ = 0, rm_ = 0;  // with their extension bits; rm of a register operand
  u8 x_ = 0;             // REX.X of a register operand (EVEX)
};

void Writer::MapModrm() {
  const u8 extension = ExtensionBits(inst_, request_.code_bits);
  const u8 modrm = has_modrm() ? inst_.bytes[inst_.modrm_at] : 0;
  reg_ = static_cast<u8>(((modrm >> 3) & 7) | ((extension & kRexR) != 0 ? 8 : 0));
  rm_ = static_cast<u8>((modrm & 7) | ((extension & kRexB) != 0 ? 8 : 0));
  x_ = (extension & kRexX) != 0 && request_.mem == nullptr;
  if (!has_modrm()) {
    reg_ = 0;  // REX.R has no meaning
  }
  if (fields_.modrm_reg != cpu::kNoRegister) {
    reg_ = Host(fields_.modrm_reg);
  }
  if (fields_.modrm_rm != cpu::kNoRegister) {
    rm_ = Host(fields_.modrm_rm);
  }
  if (fields_.opcode_low != cpu::kNoRegister) {
    rm_ = Host(fields_.opcode_low);
  }
}

// The prefix means 16 bits in the guest's 32- and 64-bit code, 32 bits in its 16-bit code.
bool Writer::NeedsOperandSizePrefix(const Prefixes& prefixes) const {
  const bool is_mandatory = inst_.host_class != cpu::HostClass::kNone &&
                            inst_.host_class != cpu::HostClass::kGeneral;
  if (request_.code_bits != 16 || is_mandatory) {
    return prefixes.has_66;
  }
  return inst_.operand_size == 2;
}

void Writer::WriteOpcode() {
  const size_t end = has_modrm() ? inst_.modrm_at : inst_.tail_at;
  PutRange(inst_.opcode_at, end);
  if (end == inst_.opcode_at + 1u && out_[at_ - 1] == 0x82 && inst_.encoding == Encoding::kLegacy) {
    out_[at_ - 1] = 0x80;  // its alias outside 64-bit mode
  }
  if (fields_.opcode_low != cpu::kNoRegister) {
    out_[at_ - 1] = static_cast<u8>((out_[at_ - 1] & ~7) | (rm_ & 7));
  }
}

void Writer::WriteLegacy() {
  const Prefixes prefixes = ReadLegacyPrefixes(inst_, request_.code_bits);
  if (prefixes.has_lock) {
    Put(0xf0);
  }
  if (NeedsOperandSizePrefix(prefixes)) {
    Put(0x66);
  }
  // Elsewhere it has no meaning, and F3 would make TZCNT of BSF.
  const bool has_repeat = inst_.op == cpu::Op::kHost || inst_.op == cpu::Op::kPause;
  if (prefixes.repeat != 0 && has_repeat) {
    Put(prefixes.repeat);
  }
  u8 rex = prefixes.rex & kRexW;
  rex |= reg_ >= 8 ? kRexR : 0;
  rex |= request_.mem != nullptr ? request_.mem->rex() : (rm_ >= 8 ? kRexB : 0);
  if (rex != 0 || prefixes.has_rex) {
    Put(static_cast<u8>(0x40 | rex));
  }
  const u8 opcode = inst_.bytes[inst_.opcode_at];
  if (request_.code_bits != 64 && (opcode & 0xf0) == 0x40 && !has_modrm()) {
    Put(0xff);  // INC and DEC of one byte are REX prefixes on the host
    Put(static_cast<u8>(0xc0 | (opcode & 8) | (rm_ & 7)));
    return;
  }
  if ((opcode & 0xfc) == 0xa0 && request_.mem != nullptr && !has_modrm()) {
    // MOV between AL/rAX and an absolute address.
    Put(static_cast<u8>(opcode < 0xa2 ? 0x8a | (opcode & 1) : 0x88 | (opcode & 1)));
    WriteMemory();
    return;
  }
  WriteOpcode();
  WriteModrm();
  PutRange(inst_.tail_at, inst_.length);
}

void Writer::WriteVex() {
  const VectorPrefix prefix = ReadVectorPrefix(inst_, request_.code_bits);
  const bool is_short = prefix.bytes[0] == 0xc5;
  const u8 map = is_short ? 1 : prefix.bytes[1] & 0x1f;
  u8 rest = is_short ? prefix.bytes[1] & 0x07 : prefix.bytes[2] & 0x87;
  if (request_.code_bits != 64 && IgnoresW(inst_, map, rest & 3)) {
    rest &= 0x7f;
  }
  const u8 vvvv = fields_.vvvv != cpu::kNoRegister ? Host(fields_.vvvv) : prefix.vvvv;
  u8 rxb = reg_ >= 8 ? kRexR : 0;
  rxb |= request_.mem != nullptr ? request_.mem->rex() : (rm_ >= 8 ? kRexB : 0);
  Put(0xc4);
  Put(static_cast<u8>(((~rxb & 7) << 5) | map));
  Put(static_cast<u8>(rest | ((~vvvv & 0xf) << 3)));
  WriteOpcode();
  WriteModrm();
  PutRange(inst_.tail_at, inst_.length);
  const u8 opcode = inst_.bytes[inst_.opcode_at];
  if (request_.code_bits != 64 && map == 3 && opcode >= 0x4a && opcode <= 0x4c) {
    out_[at_ - 1] &= 0x7f;  // the register in VBLENDV's immediate
  }
}

void Writer::WriteEvex() {
  const VectorPrefix prefix = ReadVectorPrefix(inst_, request_.code_bits);
  u8 rxb = reg_ >= 8 ? kRexR : 0;
  rxb |= request_.mem != nullptr ? request_.mem->rex()
                                 : static_cast<u8>((rm_ >= 8 ? kRexB : 0) | (x_ ? kRexX : 0));
  const u8 vvvv = fields_.vvvv != cpu::kNoRegister ? Host(fields_.vvvv) : prefix.vvvv;
  Put(0x62);
  const bool is_64 = request_.code_bits == 64;
  Put(static_cast<u8>(((~rxb & 7) << 5) | (prefix.bytes[1] & 0x1f) | (is_64 ? 0 : 0x10)));  // R'
  const bool has_w = is_64 || !IgnoresW(inst_, prefix.bytes[1] & 7, prefix.bytes[2] & 3);
  Put(static_cast<u8>((prefix.bytes[2] & (has_w ? 0x87 : 0x07)) | ((~vvvv & 0xf) << 3)));
  Put(static_cast<u8>(prefix.bytes[3] | (is_64 ? 0 : 8)));  // V'
  WriteOpcode();
  WriteModrm();
  PutRange(inst_.tail_at, inst_.length);
}

void Writer::WriteModrm() {
  if (!has_modrm()) {
    return;
  }
  if (request_.mem != nullptr) {
    WriteMemory();
    return;
  }
  Put(static_cast<u8>((inst_.bytes[inst_.modrm_at] & 0xc0) | ((reg_ & 7) << 3) | (rm_ & 7)));
}

// Displacements of 8 bits are scaled in EVEX encodings: there 32 bits are used.
void Writer::WriteMemory() {
  const u8* const end =
      PutMemory(&out_[at_], reg_, *request_.mem, inst_.encoding != Encoding::kEvex);
  at_ = static_cast<size_t>(end - out_.data());
}

}  // namespace

GprFields GprFieldsOf(const Inst& inst, u8 code_bits) {
  GprFields result;
  const u8 extension = ExtensionBits(inst, code_bits);
  const u8 modrm = inst.modrm_at != 0 ? inst.bytes[inst.modrm_at] : 0;
  if ((inst.gpr_fields & cpu::kModrmReg) != 0) {
    result.modrm_reg = static_cast<u8>(((modrm >> 3) & 7) | ((extension & kRexR) != 0 ? 8 : 0));
  }
  if ((inst.gpr_fields & cpu::kModrmRm) != 0) {
    result.modrm_rm = static_cast<u8>((modrm & 7) | ((extension & kRexB) != 0 ? 8 : 0));
  }
  if ((inst.gpr_fields & cpu::kVvvv) != 0) {
    result.vvvv = ReadVectorPrefix(inst, code_bits).vvvv;
  }
  if ((inst.gpr_fields & cpu::kOpcodeLow) != 0) {
    const u8 last = inst.bytes[inst.tail_at - 1];
    result.opcode_low = static_cast<u8>((last & 7) | ((extension & kRexB) != 0 ? 8 : 0));
  }
  return result;
}

size_t Reencode(const Inst& inst, const GprFields& fields, const Reencoding& request,
                std::span<u8, kMaxHostLength> out) {
  return Writer(inst, fields, request, out).Write();
}

}  // namespace tandem::jit
