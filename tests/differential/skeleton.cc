#include "tests/differential/skeleton.h"

namespace tandem::cpu {
namespace {

constexpr u8 kPrefixes[] = {0, 0x66, 0xf2, 0xf3};
constexpr u8 kMemory = 0x06, kWithSib = 0x04;  // ModRM with /0
constexpr u8 kPlain = 1, kHighByte = 5;        // registers: CL and its like, CH

// All values of ModRM.r/m mean something of their own: x87, and 0F 01.
bool IsDense(const Skeleton& skeleton) {
  return skeleton.encoding == Encoding::kLegacy &&
         ((skeleton.map == 0 && skeleton.opcode >= 0xd8 && skeleton.opcode <= 0xdf) ||
          (skeleton.map == 1 && skeleton.opcode == 0x01));
}

// Gathers and scatters: a SIB byte names a vector of indices.
bool HasVectorIndex(const Skeleton& skeleton) {
  return skeleton.encoding != Encoding::kLegacy && skeleton.map == 2 &&
         ((skeleton.opcode & 0xfc) == 0x90 || (skeleton.opcode & 0xfc) == 0xa0);
}

// EVEX opcodes that ModRM.reg goes on with.
bool IsEvexGroup(const Skeleton& skeleton) {
  return skeleton.map == 1 && skeleton.opcode >= 0x71 && skeleton.opcode <= 0x73;
}

class Visitor {
 public:
  Visitor(u8 bits, const std::function<void(const Skeleton&)>& visit)
      : bits_(bits), visit_(visit) {}

  void VisitAll() {
    VisitLegacy();
    VisitVex();
    VisitEvex();
  }

 private:
  void VisitModrm(Skeleton skeleton, u8 regs);
  void VisitOpcodes(Skeleton skeleton);
  void VisitSizes(Skeleton skeleton);
  void VisitLegacy();
  void VisitVex();
  void VisitEvex();

  const u8 bits_;
  const std::function<void(const Skeleton&)>& visit_;
};

void Visitor::VisitModrm(Skeleton skeleton, u8 regs) {
  for (u8 reg = 0; reg < regs; ++reg) {
    skeleton.modrm = static_cast<u8>((HasVectorIndex(skeleton) ? kWithSib : kMemory) | reg << 3);
    visit_(skeleton);
    for (u8 rm = 0; rm < 8; ++rm) {
      if (IsDense(skeleton) || rm == kPlain ||
          (rm == kHighByte && skeleton.encoding == Encoding::kLegacy && skeleton.map < 2)) {
        skeleton.modrm = static_cast<u8>(0xc0 | reg << 3 | rm);
        visit_(skeleton);
      }
    }
  }
}

void Visitor::VisitOpcodes(Skeleton skeleton) {
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    skeleton.opcode = static_cast<u8>(opcode);
    const bool is_plain =
        skeleton.encoding == Encoding::kEvex && !IsEvexGroup(skeleton) && !HasVectorIndex(skeleton);
    VisitModrm(skeleton, is_plain ? 1 : 8);
  }
}

// With and without LOCK, 66 before F2 and F3, and 67 where the map is that of string instructions.
void Visitor::VisitSizes(Skeleton skeleton) {
  VisitOpcodes(skeleton);
  if (skeleton.prefix != 0 && skeleton.prefix != 0x66) {
    Skeleton sized = skeleton;
    sized.has_operand_size = true;
    VisitOpcodes(sized);
  } else if (skeleton.map < 2) {
    Skeleton locked = skeleton;
    locked.has_lock = true;
    VisitOpcodes(locked);
  }
  if (skeleton.map == 0) {
    skeleton.has_address_size = true;
    VisitOpcodes(skeleton);
  }
}

void Visitor::VisitLegacy() {
  for (u8 map = 0; map < 4; ++map) {
    for (const u8 prefix : kPrefixes) {
      Skeleton skeleton{.map = map, .prefix = prefix};
      VisitSizes(skeleton);
      if (bits_ == 64) {
        skeleton.has_rex = true;
        VisitSizes(skeleton);
        skeleton.is_wide = true;
        VisitSizes(skeleton);
      }
    }
  }
}

void Visitor::VisitVex() {
  for (u8 map = 1; map < 4; ++map) {
    for (const u8 prefix : kPrefixes) {
      for (u8 sizes = 0; sizes < 4; ++sizes) {
        VisitOpcodes({.encoding = Encoding::kVex,
                      .map = map,
                      .prefix = prefix,
                      .is_wide = sizes % 2 != 0,
                      .vector_length = static_cast<u8>(sizes / 2)});
      }
    }
  }
}

void Visitor::VisitEvex() {
  for (u8 map = 1; map < 4; ++map) {
    for (const u8 prefix : kPrefixes) {
      for (u8 sizes = 0; sizes < 6; ++sizes) {
        for (u8 rest = 0; rest < 6; ++rest) {
          VisitOpcodes({.encoding = Encoding::kEvex,
                        .map = map,
                        .prefix = prefix,
                        .is_wide = sizes % 2 != 0,
                        .vector_length = static_cast<u8>(sizes / 2),
                        .is_broadcast = rest % 2 != 0,
                        .masking = static_cast<u8>(rest / 2)});
        }
      }
    }
  }
}

class Encoder {
 public:
  Encoder(const Skeleton& skeleton, u8 bits, Freedom freedom, Random& random)
      : skeleton_(skeleton), is_64_(bits == 64), freedom_(freedom), random_(random) {}

  std::vector<u8> Encode() {
    out_.reserve(32);
    PutPrefixes();
    out_.push_back(skeleton_.opcode);
    PutModrm();
    while (out_.size() < 15) {
      out_.push_back(static_cast<u8>(random_()));
    }
    return std::move(out_);
  }

 private:
  void PutPrefixes();
  void PutLegacyHead();
  void PutVex();
  void PutEvex();
  void PutModrm();
  u8 Pp() const;
  // Register extension bits, set; VEX and EVEX have them inverted.
  u8 Extensions() { return is_64_ && freedom_.has_random_rest ? random_() & 7 : 0; }
  u8 Vvvv() {
    const bool is_free = freedom_.has_random_rest && !OneIn(random_, 3);
    return static_cast<u8>((is_free ? random_() & 15 : 15) << 3);
  }

  const Skeleton& skeleton_;
  const bool is_64_;
  const Freedom freedom_;
  Random& random_;
  std::vector<u8> out_;
};

u8 Encoder::Pp() const {
  return skeleton_.prefix == 0x66   ? 1
         : skeleton_.prefix == 0xf3 ? 2
         : skeleton_.prefix == 0xf2 ? 3
                                    : 0;
}

void Encoder::PutPrefixes() {
  const bool is_memory = !skeleton_.IsRegister();
  if (freedom_.has_random_rest && is_memory && OneIn(random_, 8)) {
    out_.push_back(Pick<u8>(random_, {0x26, 0x2e, 0x36, 0x3e, 0x65}));
  }
  const bool may_change_size = freedom_.has_random_rest && is_memory && skeleton_.map != 0;
  if (skeleton_.has_address_size || (may_change_size && OneIn(random_, 8))) {
    out_.push_back(0x67);
  }
  switch (skeleton_.encoding) {
    case Encoding::kLegacy:
      PutLegacyHead();
      break;
    case Encoding::kVex:
      PutVex();
      break;
    case Encoding::kEvex:
      PutEvex();
      break;
  }
}

void Encoder::PutLegacyHead() {
  if (skeleton_.has_operand_size) {
    out_.push_back(0x66);
  }
  if (skeleton_.has_lock) {
    out_.push_back(0xf0);
  }
  if (skeleton_.prefix != 0) {
    out_.push_back(skeleton_.prefix);
  }
  if (skeleton_.has_rex) {
    out_.push_back(static_cast<u8>(0x40 | (skeleton_.is_wide ? 8 : 0) | Extensions()));
  }
  if (skeleton_.map != 0) {
    out_.push_back(0x0f);
  }
  if (skeleton_.map >= 2) {
    out_.push_back(skeleton_.map == 2 ? 0x38 : 0x3a);
  }
}

void Encoder::PutVex() {
  const u8 extensions = Extensions();
  const u8 rest = static_cast<u8>(Vvvv() | skeleton_.vector_length << 2 | Pp());
  const bool is_short = skeleton_.map == 1 && !skeleton_.is_wide && (extensions & 3) == 0;
  if (is_short && !OneIn(random_, 4)) {
    out_.push_back(0xc5);
    out_.push_back(static_cast<u8>((extensions != 0 ? 0 : 0x80) | rest));
    return;
  }
  out_.push_back(0xc4);
  out_.push_back(static_cast<u8>((~extensions & 7) << 5 | skeleton_.map));
  out_.push_back(static_cast<u8>((skeleton_.is_wide ? 0x80 : 0) | rest));
}

void Encoder::PutEvex() {
  const u8 extensions = Extensions();
  const u8 high = is_64_ && freedom_.has_random_rest && OneIn(random_, 2) ? 0 : 0x10;  // R'
  const u8 upper = is_64_ && freedom_.has_random_rest && OneIn(random_, 2) ? 0 : 8;    // V'
  const u8 mask = static_cast<u8>(skeleton_.masking == 0 ? 0 : 1 + random_() % 7);
  out_.push_back(0x62);
  out_.push_back(static_cast<u8>((~extensions & 7) << 5 | high | skeleton_.map));
  out_.push_back(static_cast<u8>((skeleton_.is_wide ? 0x80 : 0) | Vvvv() | 4 | Pp()));
  out_.push_back(static_cast<u8>((skeleton_.masking == 2 ? 0x80 : 0) |
                                 skeleton_.vector_length << 5 |
                                 (skeleton_.is_broadcast ? 0x10 : 0) | upper | mask));
}

void Encoder::PutModrm() {
  u8 modrm = skeleton_.modrm;
  if (freedom_.has_random_reg) {
    modrm = static_cast<u8>((modrm & 0xc7) | (random_() & 0x38));
  }
  if (freedom_.has_random_rest && !IsDense(skeleton_)) {
    modrm = static_cast<u8>((modrm & 0xf8) | (HasVectorIndex(skeleton_) ? 4 : random_() & 7));
    if (!skeleton_.IsRegister()) {
      modrm = static_cast<u8>((modrm & 0x3f) | random_() % 3 << 6);
    }
  }
  out_.push_back(modrm);
}

}  // namespace

void ForEachSkeleton(u8 bits, const std::function<void(const Skeleton&)>& visit) {
  Visitor(bits, visit).VisitAll();
}

std::vector<u8> Encode(const Skeleton& skeleton, u8 bits, Freedom freedom, Random& random) {
  return Encoder(skeleton, bits, freedom, random).Encode();
}

}  // namespace tandem::cpu
