#include "tests/differential/sequence.h"

#include <algorithm>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/differential/random_bytes.h"
#include "tests/differential/treatment.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {
namespace {

constexpr u8 kShortJump = 0xeb, kNearJump = 0xe9, kCall = 0xe8, kRet = 0xc3, kHltByte = 0xf4;
constexpr u64 kMiddle = kLongLayout.data + kDataSize / 2;

bool HasMemory(const Inst& inst) { return MemoryOperandOf(inst) != nullptr; }

// Short jumps have an opcode of one byte: Jcc, LOOP, JRCXZ, JMP.
bool IsShort(const Piece& piece) {
  return piece.bytes.size() == 1 && piece.bytes[0] != kNearJump && piece.bytes[0] != kCall;
}

size_t SizeOf(const Piece& piece) {
  return piece.bytes.size() + (piece.target < 0 ? 0 : IsShort(piece) ? 1 : 4);
}

void Append32(std::vector<u8>& code, u64 value) {
  for (int shift = 0; shift < 32; shift += 8) {
    code.push_back(static_cast<u8>(value >> shift));
  }
}

class Maker {
 public:
  Maker(Random& random, const ValuePool& pool, const CpuModel& model, CpuState& state)
      : random_(random), pool_(pool), model_(model), state_(state) {}

  Sequence Make();

 private:
  void ChooseRegisters();
  void SetRegisters();
  void AddBody(int count);
  void AddOne();
  void AddRandom();
  void AddPointerMove();
  void AddStack();
  void AddForwardJump();
  void AddLoop();
  void AddFunction();
  bool IsWelcome(const Inst& inst);
  bool PlaceMemory(const Inst& inst, Piece& piece);
  std::vector<u8> SomeBytes();
  void Add(std::vector<u8> bytes) { sequence_.pieces.push_back({std::move(bytes)}); }
  void AddJump(std::vector<u8> opcode, int target) {
    sequence_.pieces.push_back({std::move(opcode), target});
  }
  int count() const { return static_cast<int>(sequence_.pieces.size()); }
  u8 Pick(u32 mask);
  i32 Displacement(unsigned alignment);

  Random& random_;
  const ValuePool& pool_;
  const CpuModel& model_;
  CpuState& state_;
  Sequence sequence_;
  u32 pointers_ = 1u << kRsp;
  u32 data_ = 0;
  u8 index_ = 0, counter_ = 0;
  bool has_loop_ = false;
  bool is_in_function_ = false;  // keeps off its return address
  bool is_wide_ = false;         // many accesses, further apart than one check covers
};

u8 Maker::Pick(u32 mask) {
  u8 reg = 0;
  do {
    reg = static_cast<u8>(random_() % 16);
  } while (!Bit(mask, reg));
  return reg;
}

void Maker::ChooseRegisters() {
  u32 free = 0xffffu & ~pointers_;
  const auto take = [&] {
    const u8 reg = Pick(free);
    free &= ~(1u << reg);
    return reg;
  };
  for (u64 left = is_wide_ ? 1 : 2 + random_() % 5; left > 0; --left) {
    pointers_ |= 1u << take();
  }
  index_ = take();
  counter_ = take();
  data_ = free;
}

void Maker::SetRegisters() {
  FillRegisters(random_, pool_, state_);
  if (OneIn(random_, 4)) {
    FillX87(random_, state_.fx);
    state_.fx.fcw |= 0x3f;
    state_.fx.mxcsr |= 0x1f80;
    state_.fx.fsw &= 0x7f7f;
  }
  for (u8 reg = 0; reg < 16; ++reg) {
    if (Bit(pointers_, reg)) {
      const u64 by = OneIn(random_, 4) ? random_() % 256 : (random_() % 8) * 64;
      state_.gpr[reg] = kMiddle - 128 + by;
      if (OneIn(random_, 16)) {
        state_.gpr[reg] = kLongLayout.data + kDataSize - random_() % 64;  // a hole follows
      }
    }
  }
  state_.gpr[kRsp] = kLongLayout.stack + (random_() % 16) * (OneIn(random_, 4) ? 1 : 16);
  state_.gpr[index_] = random_() % 32;
  state_.gpr[counter_] = 1 + random_() % (OneIn(random_, 3) ? 100 : 4);
}

std::vector<u8> Maker::SomeBytes() {
  if (OneIn(random_, 2)) {
    return RandomBytes(random_, OneIn(random_, 16) ? Choice::kAvx512 : Choice::kAll);
  }
  std::vector<u8> out;  // one-byte opcodes, and the most frequent of two
  if (OneIn(random_, 6)) {
    out.push_back(0x66);
  }
  if (!OneIn(random_, 4)) {
    out.push_back(static_cast<u8>(0x40 | (random_() & 15)));
  }
  if (OneIn(random_, 4)) {
    static constexpr u8 kSecond[] = {0x40, 0x90, 0xaf, 0xb6, 0xbe, 0xa3, 0xab, 0xba,
                                     0xc0, 0xb0, 0xa4, 0xac, 0xc8, 0xb7, 0xbf, 0xbc};
    const u8 opcode = kSecond[random_() % std::size(kSecond)];
    out.push_back(0x0f);
    out.push_back(opcode < 0xa0 ? static_cast<u8>(opcode | (random_() & 15)) : opcode);
  }
  for (int i = 0; i < 13; ++i) {
    out.push_back(static_cast<u8>(random_()));
  }
  return out;
}

bool Maker::IsWelcome(const Inst& inst) {
  const u32 fixed = pointers_ | 1u << index_ | 1u << counter_;
  if (!FitsSequence(inst, model_) || ReachesFar(inst.op) || (inst.gprs_written & fixed) != 0) {
    return false;
  }
  switch (inst.op) {
    case Op::kDiv:
    case Op::kIdiv:
    case Op::kLdmxcsr:
      return OneIn(random_, 6);
    default:
      return true;
  }
}

i32 Maker::Displacement(unsigned alignment) {
  const i32 far = is_wide_            ? static_cast<i32>(random_() % 3) * 640 - 640
                  : OneIn(random_, 8) ? static_cast<i32>(random_() % 1024) - 512
                                      : 0;
  const i32 any = far + static_cast<i32>(random_() % 128) - 64;
  return alignment > 1 ? any & -static_cast<i32>(alignment) : any;
}

// Makes the memory operand reach the data or the stack. False: it cannot.
bool Maker::PlaceMemory(const Inst& inst, Piece& piece) {
  const MemoryOperand& mem = inst.mem;
  const bool is_based = mem.base < 16;
  const bool is_indexed = mem.index != kNoRegister;
  if (mem.is_vsib || (is_in_function_ && mem.base == kRsp) ||
      (is_based && !Bit(pointers_, mem.base)) ||
      (is_indexed && (mem.index != index_ || inst.alignment > 1))) {
    return false;
  }
  const bool is_bit_string = inst.op >= Op::kBt && inst.op <= Op::kBtc;
  if (is_bit_string && inst.operands[1].kind != OperandKind::kImmediate &&
      inst.operands[1].reg != index_) {
    return false;
  }
  const i32 displacement = Displacement(inst.alignment);
  if (inst.modrm_at == 0) {
    if (mem.address_size != 8) {
      return false;
    }
    StoreLe<u64>(&piece.bytes[inst.tail_at - 8u], kMiddle + static_cast<u64>(displacement));
    return true;
  }
  const u8 mod = inst.bytes[inst.modrm_at] >> 6;
  if (mem.base == kRipRegister) {
    piece.relative_at = static_cast<u8>(inst.tail_at - 4);
    piece.address = kMiddle + static_cast<u64>(displacement);
  } else if (!is_based) {
    StoreLe<u32>(&piece.bytes[inst.tail_at - 4u],
                 static_cast<u32>(kMiddle) + static_cast<u32>(displacement));
  } else if (mod == 2) {
    StoreLe<u32>(&piece.bytes[inst.tail_at - 4u], static_cast<u32>(displacement));
  } else if (mod == 1) {
    piece.bytes[inst.tail_at - 1u] = static_cast<u8>(displacement % 128);
  }
  return true;
}

void Maker::AddRandom() {
  for (;;) {
    Piece piece{SomeBytes()};
    Inst inst;
    const auto bytes = std::as_bytes(std::span(piece.bytes));
    if (Decode({64}, bytes, inst) != DecodeStatus::kOk || !IsWelcome(inst) ||
        (is_wide_ && !HasMemory(inst) && !OneIn(random_, 8)) ||
        (HasMemory(inst) && inst.op != Op::kLea && !PlaceMemory(inst, piece))) {
      continue;
    }
    piece.bytes.resize(inst.length);
    if (UndefinedFlags(inst) != 0) {  // CMP ECX, imm8
      piece.bytes.insert(piece.bytes.end(), {0x83, 0xf9, static_cast<u8>(random_())});
      piece.address += 3;
    }
    sequence_.pieces.push_back(piece);
    return;
  }
}

// LEA, ADD, SUB, INC or DEC of a pointer, by little.
void Maker::AddPointerMove() {
  const u8 reg = Pick(pointers_);
  const u8 by = static_cast<u8>((random_() % 8) * 8 - 32);
  const u8 rex = static_cast<u8>(0x48 | (reg >= 8 ? 1 : 0));
  const u8 low = reg & 7;
  switch (random_() % 4) {
    case 0:
      Add({rex, 0x83, static_cast<u8>(0xc0 | low), by});
      return;
    case 1:
      Add({rex, 0x83, static_cast<u8>(0xe8 | low), by});
      return;
    case 2:
      Add({rex, 0xff, static_cast<u8>((OneIn(random_, 2) ? 0xc0 : 0xc8) | low)});
      return;
    default:
      break;
  }
  const u8 both = static_cast<u8>(reg >= 8 ? 0x4d : 0x48);
  const u8 modrm = static_cast<u8>(0x40 | low << 3 | low);
  low == 4 ? Add({both, 0x8d, modrm, 0x24, by}) : Add({both, 0x8d, modrm, by});
}

void Maker::AddStack() {
  const u8 reg = Pick(random_() % 2 == 0 ? data_ : 0xffff);
  const u8 low = reg & 7;
  const u32 bases = pointers_ & ~(1u << kRsp | 1u << 12);  // those need a SIB byte
  std::vector<u8> bytes;
  bytes.reserve(8);  // GCC 12 takes growing from one byte for an overflow
  if (OneIn(random_, 6)) {
    bytes.push_back(0x66);
  }
  const u64 kind = bases == 0 ? 0 : random_() % 6;
  const u8 base = bases == 0 ? u8{0} : Pick(bases);
  const u8 extended = kind == 3 ? base : kind == 1 ? Pick(data_) : reg;
  if (kind != 4 && extended >= 8) {
    bytes.push_back(0x41);
  }
  switch (kind) {
    case 1:
      bytes.push_back(static_cast<u8>(0x58 | (extended & 7)));
      break;
    case 3:  // PUSH of memory
      bytes.insert(bytes.end(),
                   {0xff, static_cast<u8>(0x70 | (base & 7)), static_cast<u8>(random_() % 64)});
      break;
    case 4:
      bytes.insert(bytes.end(), {0x6a, static_cast<u8>(random_())});
      break;
    default:
      bytes.push_back(static_cast<u8>(0x50 | low));
      break;
  }
  Add(std::move(bytes));
}

void Maker::AddOne() {
  switch (random_() % 10) {
    case 0:
      AddPointerMove();
      break;
    case 1:
      AddStack();
      break;
    default:
      AddRandom();
      break;
  }
}

// Over up to three instructions.
void Maker::AddForwardJump() {
  const u8 condition = static_cast<u8>(random_() % 16);
  const auto jump = static_cast<size_t>(count());
  OneIn(random_, 3) ? AddJump({0x0f, static_cast<u8>(0x80 | condition)}, 0)
                    : AddJump({static_cast<u8>(0x70 | condition)}, 0);
  for (u64 left = random_() % 4; left > 0; --left) {
    AddOne();
  }
  sequence_.pieces[jump].target = count();
}

void Maker::AddLoop() {
  const int start = count();
  for (u64 left = 1 + random_() % 3; left > 0; --left) {
    OneIn(random_, 5) ? AddForwardJump() : AddOne();
  }
  has_loop_ = true;
  if (counter_ == kRcx && OneIn(random_, 2)) {
    AddJump({0xe2}, start);
    return;
  }
  const u8 rex = static_cast<u8>((OneIn(random_, 2) ? 0x48 : 0x40) | (counter_ >= 8 ? 1 : 0));
  const u8 low = counter_ & 7;
  std::vector<u8> end;  // one piece, lest something comes between and the loop never ends
  OneIn(random_, 2) ? end.assign({rex, 0xff, static_cast<u8>(0xc8 | low)})
                    : end.assign({rex, 0x83, static_cast<u8>(0xe8 | low), 1});
  if (OneIn(random_, 3)) {  // LEA RSP, [RSP+8] and back
    end.insert(end.end(), {0x48, 0x8d, 0x64, 0x24, 0x08, 0x48, 0x8d, 0x64, 0x24, 0xf8});
  }
  end.insert(end.end(), {0x0f, 0x85});
  AddJump(std::move(end), start);
}

void Maker::AddBody(int number) {
  while (number-- > 0) {
    if (OneIn(random_, 6)) {
      AddForwardJump();
    } else if (!has_loop_ && OneIn(random_, 8)) {
      AddLoop();
    } else {
      AddOne();
    }
  }
}

// Called from among the instructions there are, and put behind them.
void Maker::AddFunction() {
  const auto call = static_cast<std::ptrdiff_t>(random_() % sequence_.pieces.size());
  for (Piece& piece : sequence_.pieces) {
    piece.target += piece.target > call ? 1 : 0;
  }
  sequence_.pieces.insert(sequence_.pieces.begin() + call, Piece{{kCall}, 0});
  const auto over = static_cast<size_t>(count());
  AddJump({OneIn(random_, 2) ? kShortJump : kNearJump}, 0);
  sequence_.pieces[static_cast<size_t>(call)].target = count();
  is_in_function_ = true;
  for (u64 left = random_() % 4; left > 0; --left) {
    AddRandom();
  }
  Add({kRet});
  sequence_.pieces[over].target = count();
}

Sequence Maker::Make() {
  is_wide_ = OneIn(random_, 3);
  ChooseRegisters();
  AddBody(static_cast<int>(2 + random_() % (is_wide_ ? 16 : 8)));
  SetRegisters();
  if (OneIn(random_, 4)) {
    AddFunction();
  }
  if (OneIn(random_, 8)) {  // across the end of a page
    sequence_.offset = static_cast<u32>(4096 - random_() % 64);
  }
  sequence_.data_registers = data_;
  return sequence_;
}

}  // namespace

std::vector<u8> Assemble(const Sequence& sequence) {
  std::vector<u8> code;
  if (sequence.offset != 0) {
    code.push_back(kNearJump);
    Append32(code, sequence.offset - 5);
    code.resize(sequence.offset, kHltByte);
  }
  std::vector<size_t> starts{code.size()};
  for (const Piece& piece : sequence.pieces) {
    starts.push_back(starts.back() + SizeOf(piece));
  }
  for (size_t i = 0; i < sequence.pieces.size(); ++i) {
    const Piece& piece = sequence.pieces[i];
    code.insert(code.end(), piece.bytes.begin(), piece.bytes.end());
    if (piece.relative_at != 0) {
      const u64 next = kLongLayout.code + starts[i + 1];
      StoreLe<u32>(&code[starts[i] + piece.relative_at], static_cast<u32>(piece.address - next));
    }
    if (piece.target >= 0) {
      const u64 distance = starts[static_cast<size_t>(piece.target)] - starts[i + 1];
      IsShort(piece) ? code.push_back(static_cast<u8>(distance)) : Append32(code, distance);
    }
  }
  return code;
}

Sequence Without(const Sequence& sequence, size_t piece) {
  Sequence result = sequence;
  result.pieces.erase(result.pieces.begin() + static_cast<std::ptrdiff_t>(piece));
  for (Piece& other : result.pieces) {
    other.target -= other.target > static_cast<int>(piece) ? 1 : 0;
  }
  return result;
}

Sequence MakeSequence(Random& random, const ValuePool& pool, const CpuModel& model,
                      CpuState& state) {
  return Maker(random, pool, model, state).Make();
}

void RefillData(Random& random, const ValuePool& pool, const Sequence& sequence, CpuState& state) {
  const auto kept = state.gpr;
  FillRegisters(random, pool, state);
  for (u8 reg = 0; reg < 16; ++reg) {
    state.gpr[reg] = Bit(sequence.data_registers, reg) ? state.gpr[reg] : kept[reg];
  }
}

}  // namespace tandem::cpu
