#include "tests/differential/form.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "cpu/decode/decoder.h"
#include "cpu/decode/facts.h"

namespace tandem::cpu {
namespace {

constexpr MachineMode kModes[] = {MachineMode::kLong, MachineMode::kCompat32,
                                  MachineMode::kCompat16};

// Sizes that operands have, by number; others share the last.
u64 SizeCode(u16 size) {
  constexpr u16 kSizes[] = {0, 1, 2, 4, 8, 16, 32, 64, 6, 10, 14, 28, 94, 108, 512};
  return static_cast<u64>(std::find(std::begin(kSizes), std::end(kSizes), size) - kSizes);
}

bool IsUnmasked(const Inst& inst) {
  return inst.encoding != Encoding::kEvex || (inst.bytes[inst.opcode_at - 1u] & 7) == 0;
}

std::string KindName(const Operand& operand) {
  const int bits = operand.size * 8;
  switch (operand.kind) {
    case OperandKind::kGpr:
      return fmt::format("r{}", bits);
    case OperandKind::kHighByte:
      return "rh";
    case OperandKind::kMemory:
      return fmt::format("m{}", bits);
    case OperandKind::kImmediate:
      return fmt::format("imm{}", bits);
    case OperandKind::kSegment:
      return "sreg";
    case OperandKind::kControl:
      return "cr";
    case OperandKind::kDebug:
      return "dr";
    case OperandKind::kVector:
      return operand.size == 64 ? "zmm" : operand.size == 32 ? "ymm" : "xmm";
    case OperandKind::kMmx:
      return "mm";
    case OperandKind::kX87:
      return "st";
    case OperandKind::kMask:
      return "k";
    case OperandKind::kFarPointer:
      return fmt::format("ptr{}", bits);
    case OperandKind::kNone:
      break;
  }
  return "?";
}

std::string Suffix(const Inst& inst) {
  std::string text;
  text += inst.encoding == Encoding::kEvex ? " evex" : "";
  text += IsUnmasked(inst) ? "" : HasEvexZeroing(inst) ? " {k}{z}" : " {k}";
  if (HasEvexBroadcast(inst)) {
    text += MemoryOperandOf(inst) != nullptr ? " {bcst}" : " {er}";
  }
  return text;
}

// The opcode is rather a prefix or an escape.
bool IsPrefix(const Skeleton& skeleton, u8 bits) {
  constexpr u8 kAny[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
  if (skeleton.encoding != Encoding::kLegacy || skeleton.map > 1) {
    return false;
  }
  if (skeleton.map == 1) {
    return skeleton.opcode == 0x38 || skeleton.opcode == 0x3a;
  }
  return std::find(std::begin(kAny), std::end(kAny), skeleton.opcode) != std::end(kAny) ||
         (bits == 64 && (skeleton.opcode & 0xf0) == 0x40);
}

class Finder {
 public:
  Finder(const CpuModel& model, Choice choice) : model_(model), choice_(choice) {}

  void FindIn(MachineMode mode);
  std::vector<Form> Take() { return std::move(forms_); }

 private:
  void Add(MachineMode mode, const Skeleton& skeleton, const Inst& inst);

  const CpuModel& model_;
  const Choice choice_;
  std::vector<Form> forms_;
  std::unordered_map<u64, size_t> by_key_;
};

void Finder::FindIn(MachineMode mode) {
  const u8 bits = CodeBits(mode);
  by_key_.clear();
  Random random(1);
  ForEachSkeleton(bits, [&](const Skeleton& skeleton) {
    const std::vector<u8> code = Encode(skeleton, bits, {}, random);
    Inst inst;
    if (Decode({bits}, std::as_bytes(std::span(code)), inst) != DecodeStatus::kOk ||
        inst.op == Op::kInvalid || inst.op == Op::kTooLong || !IsOffered(model_, inst) ||
        inst.encoding != skeleton.encoding || IsPrefix(skeleton, bits) ||
        (inst.modrm_at == 0 && (skeleton.modrm & 0xf8) != 0)) {
      return;
    }
    if (choice_ == Choice::kAll || inst.host_class == HostClass::kAvx512) {
      Add(mode, skeleton, inst);
    }
  });
}

void Finder::Add(MachineMode mode, const Skeleton& skeleton, const Inst& inst) {
  const auto [place, is_new] = by_key_.try_emplace(FormKey(inst), forms_.size());
  if (is_new) {
    forms_.push_back({mode, FormKey(inst), FormName(CodeBits(mode), inst), inst, {}});
  }
  forms_[place->second].skeletons.push_back(skeleton);
}

}  // namespace

u64 FormKey(const Inst& inst) {
  u64 key = inst.mnemonic;
  for (const Operand& operand : inst.operands) {
    key = key << 8 | static_cast<u64>(operand.kind) << 4 | SizeCode(operand.size);
  }
  key = key << 4 | u64{HasEvexBroadcast(inst)} << 1 | u64{HasEvexZeroing(inst)};
  key = key << 3 | u64{IsUnmasked(inst)} << 2 | static_cast<u64>(inst.encoding);
  return key << 3 | u64{inst.has_lock} << 2 | static_cast<u64>(inst.repeat);
}

std::string FormName(u8 bits, const Inst& inst) {
  const char* const prefix = inst.has_lock                   ? "lock "
                             : inst.repeat == Repeat::kRep   ? "rep "
                             : inst.repeat == Repeat::kRepne ? "repne "
                                                             : "";
  std::string text = fmt::format("{} {}{}", bits, prefix, MnemonicName(inst.mnemonic));
  for (u8 i = 0; i < inst.operand_count; ++i) {
    text += (i == 0 ? " " : ", ") + KindName(inst.operands[i]);
  }
  return text + Suffix(inst);
}

std::vector<Form> FindForms(const CpuModel& model, Choice choice) {
  Finder finder(model, choice);
  for (const MachineMode mode : kModes) {
    finder.FindIn(mode);
  }
  std::vector<Form> forms = finder.Take();
  std::ranges::sort(forms, {}, &Form::name);
  return forms;
}

}  // namespace tandem::cpu
