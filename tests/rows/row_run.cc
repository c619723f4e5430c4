#include "tests/rows/row_run.h"

#include <algorithm>

#include "base/bits.h"
#include "cpu/decode/decoder.h"

namespace tandem::cpu {
namespace {

DecodeMode ModeOf(const Row& row) { return {CodeBits(row.mode), row.mode == MachineMode::kReal}; }

// zmm and k registers, whatever the instruction.
bool NamesAvx512(const Row& row) {
  const auto is_avx512 = [](const Item& item) {
    return item.place.starts_with("zmm") || item.place.starts_with("k");
  };
  return std::any_of(row.in.begin(), row.in.end(), is_avx512) ||
         std::any_of(row.out.begin(), row.out.end(), is_avx512);
}

// Where a row that jumps into its data ends on engines that go on to a HLT.
void PutHlt(const Row& row, Machine& machine) {
  const Item* rip = row.FindOut("rip");
  const u64 at = rip == nullptr || rip->value.empty() ? 0 : LoadLe<u64>(rip->value.data());
  if (at - machine.layout().data < kDataSize) {
    *machine.At(at) = std::byte{0xf4};
  }
}

}  // namespace

std::vector<Inst> InstructionsOf(const Row& row) {
  std::vector<Inst> instructions;
  for (size_t at = 0; at < row.code.size();) {
    Inst inst;
    const auto bytes = std::as_bytes(std::span(row.code)).subspan(at);
    if (Decode(ModeOf(row), bytes, inst) != DecodeStatus::kOk) {
      return {};
    }
    instructions.push_back(inst);
    at = inst.op == Op::kInvalid ? row.code.size() : at + inst.length;
  }
  return instructions;
}

std::string Disassembly(const Row& row) {
  std::string text;
  size_t at = 0;
  for (const Inst& inst : InstructionsOf(row)) {
    const auto bytes = std::as_bytes(std::span(row.code)).subspan(at);
    const u64 address = LayoutOf(row.mode).code - LayoutOf(row.mode).code_base + at;
    text += (text.empty() ? "" : "; ") + Disassemble(ModeOf(row), bytes, address);
    at += inst.length;
  }
  return text;
}

bool IsOffered(const CpuModel& model, const Row& row) {
  Inst inst;
  (void)Decode(ModeOf(row), std::as_bytes(std::span(row.code)), inst);
  return IsOffered(model, inst) && (model.Has(Feature::kAvx512f) || !NamesAvx512(row));
}

u64 CountOf(const Row& row) {
  return InstructionsOf(row).size() + (row.FindOut("vec") != nullptr ? 1 : 0);
}

bool Jumps(const Row& row) {
  const std::vector<Inst> instructions = InstructionsOf(row);
  return instructions.size() > 1 &&
         std::any_of(instructions.begin(), instructions.end(), [](const Inst& inst) {
           return inst.op == Op::kJcc || (inst.op >= Op::kJmp && inst.op <= Op::kJcxz);
         });
}

std::string RunRow(Machine& machine, const Row& row, std::span<const u8> code, u64 count,
                   const char* how, Exceptions* ended) {
  Prepare(row, machine);
  machine.PutCode(code);
  PutHlt(row, machine);
  const CpuState before = machine.state();
  const std::vector<std::byte> data(machine.data().begin(), machine.data().end());
  constexpr u64 kMaxInstructions = 10000;
  const auto exception = Jumps(row) ? machine.RunToEnd(kMaxInstructions) : machine.Run(count);
  if (exception && !IsUnderLongMode(row.mode)) {
    machine.state().gpr[kRsp] = before.gpr[kRsp];
  }
  if (ended != nullptr) {
    *ended = exception;
  }
  const std::string text = Check(row, before, data, machine.state(), machine.data(), exception);
  return text.empty() ? text : how + text;
}

}  // namespace tandem::cpu
