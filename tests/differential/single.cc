#include "tests/differential/single.h"

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "cpu/decode/facts.h"
#include "tests/differential/random_bytes.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

constexpr int kAttempts = 24;

std::optional<Single> DecodeSingle(MachineMode mode, std::vector<u8> code) {
  Single single{mode, std::move(code), {}};
  const auto bytes = std::as_bytes(std::span(single.code));
  if (Decode({CodeBits(mode)}, bytes, single.inst) != DecodeStatus::kOk) {
    return std::nullopt;
  }
  single.code.resize(single.inst.length);
  return single;
}

// The memory operand's place is in the displacement alone, whatever an index adds.
bool IsPlacedByCode(const MemoryOperand& mem) { return mem.base >= kNoRegister; }

bool IsPlaceable(const Inst& inst) {
  const MemoryOperand& mem = inst.mem;
  return mem.base >= kNoRegister || mem.is_vsib || mem.base != mem.index;
}

// Offset of the displacement from the start, and its size.
std::pair<size_t, size_t> DisplacementOf(const Inst& inst, u8 bits) {
  const size_t size = inst.modrm_at == 0                         ? inst.address_size
                      : bits != 64 && inst.mem.address_size == 2 ? 2
                                                                 : 4;
  return {inst.tail_at - size, size};
}

void PlaceByCode(Random& random, Single& single) {
  const Inst& inst = single.inst;
  const Layout layout = LayoutOf(single.mode);
  u64 target = layout.data - layout.data_base + kDataSize / 2 + (random() % 8) * 64;
  target += OneIn(random, 4) ? random() % 64 : 0;
  if (inst.mem.base == kRipRegister) {
    target -= layout.code + inst.length;
  }
  const auto [at, size] = DisplacementOf(inst, CodeBits(single.mode));
  for (size_t i = 0; i < size; ++i) {
    single.code[at + i] = static_cast<u8>(target >> 8 * i);
  }
}

// Direct branches are to stay among the code's pages, and off what follows the code on the host.
void PlaceTarget(Random& random, Single& single) {
  const Inst& inst = single.inst;
  const size_t size = inst.length - inst.tail_at;
  const u64 distance = OneIn(random, 8) ? 0 : 16 + random() % 0xf00;
  for (size_t i = 0; i < size; ++i) {
    single.code[inst.tail_at + i] = static_cast<u8>(distance >> 8 * i);
  }
  if (size == 1 && distance != 0) {
    single.code[inst.tail_at] = static_cast<u8>(16 + distance % 100);
  }
}

// A far pointer: some selectors lead to code of another size, or are known to the host alone.
void PlaceFarPointer(Random& random, Single& single) {
  const Inst& inst = single.inst;
  const u16 own = single.mode == MachineMode::kCompat16 ? kUserCode16 : kUserCode32;
  const u16 selector = OneIn(random, 2) ? own : Pick<u16>(random, {0, 3, 0x2b, 0x83, 0x17, 0xfff8});
  StoreLe<u16>(&single.code[inst.length - 2u], selector);
  for (size_t at = inst.tail_at + 2u; at < inst.length - 2u; ++at) {
    single.code[at] = 0;
  }
  single.code[inst.tail_at] |= 0x10;
  single.code[inst.tail_at + 1u] &= 0xf;
}

bool Place(Random& random, Single& single) {
  const Inst& inst = single.inst;
  if (MemoryOperandOf(inst) != nullptr && inst.op != Op::kLea) {
    if (!IsPlaceable(inst)) {
      return false;
    }
    if (IsPlacedByCode(inst.mem)) {
      PlaceByCode(random, single);
    }
  }
  if (HasOperand(inst, OperandKind::kFarPointer)) {
    PlaceFarPointer(random, single);
  } else if (inst.op == Op::kEnter) {
    single.code[inst.tail_at + 1u] = 0;  // a frame that fits into the stack
  } else if (IsTransfer(inst.op) && inst.operands[0].kind == OperandKind::kImmediate &&
             inst.op != Op::kRet) {
    PlaceTarget(random, single);
  }
  const auto placed = DecodeSingle(single.mode, single.code);
  if (!placed || placed->inst.length != inst.length) {
    return false;
  }
  single = *placed;
  return true;
}

}  // namespace

std::optional<Single> MakeSingle(Random& random, const Form& form, const CpuModel& model) {
  const u8 bits = CodeBits(form.mode);
  for (int i = 0; i < kAttempts; ++i) {
    const Skeleton& skeleton = form.skeletons[random() % form.skeletons.size()];
    const Freedom freedom{.has_random_reg = i % 3 != 2, .has_random_rest = i < kAttempts - 4};
    auto single = DecodeSingle(form.mode, Encode(skeleton, bits, freedom, random));
    if (single && FormKey(single->inst) == form.key && IsTestable(single->inst, model, form.mode) &&
        Place(random, *single)) {
      return single;
    }
  }
  return std::nullopt;
}

std::optional<Single> MakeRandomSingle(Random& random, const CpuModel& model, Choice choice) {
  for (int i = 0; i < kAttempts; ++i) {
    auto single = DecodeSingle(MachineMode::kLong, RandomBytes(random, choice));
    if (single && IsTestable(single->inst, model, MachineMode::kLong) && Place(random, *single)) {
      return single;
    }
  }
  return std::nullopt;
}

std::optional<Single> MakeUnknownSingle(Random& random) {
  for (int i = 0; i < kAttempts; ++i) {
    const std::vector<u8> code = RandomBytes(random, Choice::kAll);
    if (IsUnknownEverywhere({64}, std::as_bytes(std::span(code)))) {
      Single single{MachineMode::kLong, code, {}};
      (void)Decode({64}, std::as_bytes(std::span(code)), single.inst);
      return single;
    }
  }
  return std::nullopt;
}

}  // namespace tandem::cpu
