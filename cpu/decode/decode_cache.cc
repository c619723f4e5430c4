#include "cpu/decode/decode_cache.h"

#include <cstring>

namespace tandem::cpu {
namespace {

constexpr size_t kRead = 24;  // bytes that are looked at
constexpr size_t kMaxShape = 7;

bool IsLegacyPrefix(u8 byte) {
  switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67:
    case 0xf0: case 0xf2: case 0xf3:
      return true;
    default:
      return false;
  }
}

// Whether a ModRM byte follows an opcode of one byte.
bool HasModrm(u8 opcode) {
  switch (opcode >> 4) {
    case 0x0: case 0x1: case 0x2: case 0x3:
      return (opcode & 7) < 4;
    case 0x6:
      return opcode == 0x63 || opcode == 0x69 || opcode == 0x6b;
    case 0x8:
      return true;
    case 0xc:
      return opcode == 0xc0 || opcode == 0xc1 || opcode == 0xc6 || opcode == 0xc7;
    case 0xd:
      return opcode < 0xd4 || opcode > 0xd7;
    case 0xf:
      return opcode == 0xf6 || opcode == 0xf7 || opcode >= 0xfe;
    default:
      return false;
  }
}

// Likewise one behind 0F.
bool HasModrmBehind0f(u8 opcode) {
  switch (opcode >> 4) {
    case 0x0:
      return opcode != 0x05 && opcode != 0x06 && opcode != 0x07 && opcode != 0x08 &&
             opcode != 0x09 && opcode != 0x0b;
    case 0x3: case 0x8:
      return false;
    case 0x7:
      return opcode != 0x77;
    case 0xa:
      return (opcode & 7) > 2;
    case 0xc:
      return opcode < 0xc8;
    default:
      return true;
  }
}

// Walks over prefixes, opcode, ModRM and SIB. It may take in a byte too many, or stop too early:
// who remembers an instruction compares the size with where its constants start.
class ShapeReader {
 public:
  ShapeReader(const u8* bytes, bool is_64) : bytes_(bytes), is_64_(is_64) {}

  // In bytes.
  size_t Size() {
    while (at_ < kMaxShape && IsLegacyPrefix(bytes_[at_])) {
      ++at_;
    }
    if (is_64_ && (bytes_[at_] & 0xf0) == 0x40) {
      ++at_;
    }
    if (TakeOpcode()) {
      const u8 modrm = bytes_[at_++];
      at_ += modrm < 0xc0 && (modrm & 7) == 4 ? 1 : 0;
    }
    return at_;
  }

 private:
  // Whether ModRM follows.
  bool TakeOpcode() {
    const u8 opcode = bytes_[at_++];
    if (is_64_ && (opcode == 0xc4 || opcode == 0xc5)) {
      at_ += opcode == 0xc4 ? 3 : 2;  // VEX, and the opcode
      return bytes_[at_ - 1] != 0x77;
    }
    if (opcode != 0x0f) {
      return HasModrm(opcode);
    }
    const u8 second = bytes_[at_++];
    const bool has_third = second == 0x38 || second == 0x3a;
    at_ += has_third ? 1 : 0;
    return has_third || HasModrmBehind0f(second);
  }

  const u8* const bytes_;
  const bool is_64_;
  size_t at_ = 0;
};

// Shapes of equal bytes differ where the code is understood in another way.
u64 ModeBits(DecodeMode mode) {
  return u64{mode.bits} | (u64{mode.is_real} << 1) | (u64{mode.has_lzcnt} << 2) |
         (u64{mode.has_tzcnt} << 3);
}

// A constant of 1 to 8 bytes; bytes: of the instruction, and as many as fields can reach behind it.
u64 Load(const u8* bytes, ConstantFields::Field field) {
  u64 value = 0;
  std::memcpy(&value, bytes + field.at, sizeof value);
  const unsigned unused = 64 - 8u * field.size;
  value <<= unused;
  return field.is_signed ? static_cast<u64>(static_cast<i64>(value) >> unused) : value >> unused;
}

// Whether instructions of a shape of this size differ in constants only.
bool IsTold(const Inst& inst, const ConstantFields& constants, size_t size) {
  const size_t end = constants.displacement.size != 0 ? constants.displacement.at
                     : constants.immediate.size != 0  ? constants.immediate.at
                                                      : inst.length;
  return constants.are_all && size >= end;
}

}  // namespace

DecodeCache::DecodeCache() : entries_(kEntries) {}

DecodeStatus DecodeCache::Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst) {
  if (code.size() < kRead) {
    return cpu::Decode(mode, code, inst);
  }
  const u8* const bytes = reinterpret_cast<const u8*>(code.data());
  const size_t size = ShapeReader(bytes, mode.bits == 64).Size();
  if (size > kMaxShape) {
    return cpu::Decode(mode, code, inst);
  }
  u64 shape = 0;
  std::memcpy(&shape, bytes, sizeof shape);
  shape = (shape & ~(~u64{0} << 8 * size)) | ModeBits(mode) << 56;
  Entry& entry = entries_[shape * 0x9e3779b97f4a7c15 >> 32 & (kEntries - 1)];
  if (entry.shape == shape) [[likely]] {
    inst = entry.inst;
    std::memcpy(inst.bytes.data(), bytes, inst.bytes.size());
    if (entry.constants.displacement.size != 0) {
      inst.mem.displacement = static_cast<i64>(Load(bytes, entry.constants.displacement));
    }
    if (entry.constants.immediate.size != 0) {
      inst.immediate = Load(bytes, entry.constants.immediate);
    }
    return DecodeStatus::kOk;
  }
  ConstantFields constants;
  const DecodeStatus status = cpu::Decode(mode, code, inst, constants);
  if (IsTold(inst, constants, size)) {
    entry = {shape, constants, inst};
  }
  return status;
}

}  // namespace tandem::cpu
