#include "tests/differential/parties.h"

#include <algorithm>
#include <cstring>

namespace tandem::cpu {
namespace {

constexpr u64 kMaxInstructions = 10000;
constexpr u64 kNearStack = 256;

}  // namespace

Parties::Parties() = default;

Parties::Group& Parties::GroupOf(MachineMode mode) {
  Group& group = groups_[static_cast<size_t>(mode)];
  if (group.interpreter == nullptr) {
    group.interpreter = std::make_unique<Machine>(mode);
    group.interpreter->ScatterPages();
    for (const EngineKind kind : kTranslators) {
      group.translators.push_back(std::make_unique<Machine>(mode, kind));
      group.translators.back()->ScatterPages();
      group.translators.back()->Reset();
    }
    group.interpreter->Reset();
    group.reset = group.interpreter->state();
  }
  return group;
}

const CpuModel& Parties::model() { return GroupOf(MachineMode::kLong).interpreter->model(); }

const CpuState& Parties::ResetState(MachineMode mode) { return GroupOf(mode).reset; }

Machine& Parties::KvmOf(Group& group, MachineMode mode) {
  if (group.kvm == nullptr) {
    group.kvm = std::make_unique<Machine>(mode, EngineKind::kKvm);
    group.kvm->ScatterPages();
    group.kvm->Reset();
  }
  return *group.kvm;
}

void Parties::PutCode(MachineMode mode, std::span<const u8> code, Lineup lineup,
                      NativeRunner::End end) {
  Group& group = GroupOf(mode);
  MachineOf(Side::kInterpreter) = group.interpreter.get();
  MachineOf(Side::kTranslator) = group.translators[lineup.turn % group.translators.size()].get();
  MachineOf(Side::kKvm) = lineup.has_kvm ? &KvmOf(group, mode) : nullptr;
  AdmitKvm(lineup.has_kvm);
  native_.PutCode(mode, code, end);
  ForEachEngine([&](Machine& machine) {
    machine.PutCode(code);
    machine.ForgetCode();
  });
}

void Parties::FillMemory(std::span<const std::byte> data, std::span<const std::byte> stack) {
  std::ranges::copy(data, native_.data().begin());
  std::ranges::copy(stack, native_.stack().begin());
  ForEachEngine([&](Machine& machine) {
    machine.Write(kLongLayout.data, data);
    machine.Write(kStackStart, stack);
  });
}

void Parties::Write(u64 linear, std::span<const u8> bytes) {
  std::memcpy(reinterpret_cast<void*>(linear), bytes.data(), bytes.size());
  ForEachEngine([&](Machine& machine) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      *machine.AtLinear(linear + i) = static_cast<std::byte>(bytes[i]);
    }
  });
}

void Parties::TakeHostMemory(Side side) {
  Machine& machine = *MachineOf(side);
  machine.Write(kLongLayout.data, native_.data());
  machine.Write(kStackStart, native_.stack());
}

void Parties::WriteHost(u64 linear, u32 value) {
  std::memcpy(reinterpret_cast<void*>(linear), &value, sizeof(value));
}

void Parties::WriteKvm(u64 linear, u32 value) {
  for (size_t i = 0; i < sizeof(value); ++i) {
    *MachineOf(Side::kKvm)->AtLinear(linear + i) = static_cast<std::byte>(value >> 8 * i);
  }
}

u64 Parties::OperandAddress(const Inst& inst, const CpuState& state) const {
  const MemoryOperand& mem = inst.mem;
  u64 offset = static_cast<u64>(mem.displacement);
  offset += mem.base == kRipRegister ? state.rip + inst.length : state.gpr[mem.base];
  offset += state.gpr[mem.index] << mem.scale;
  offset &= ~u64{0} >> (64 - 8 * mem.address_size);
  const bool is_narrow = !state.In64BitMode();
  const bool has_base = is_narrow || mem.segment >= SegReg::kFs;
  const u64 linear = offset + (has_base ? state.Seg(mem.segment).base : 0);
  return is_narrow ? linear & 0xffffffff : linear;
}

void Parties::CopyMemory(std::vector<std::byte>& data, std::vector<std::byte>& stack) const {
  std::ranges::copy(native_.data(), data.begin());
  std::ranges::copy(native_.stack(), stack.begin());
}

Parties::End Parties::RunHost(const CpuState& start) {
  host_state_ = start;
  const Exceptions exception = native_.Run(host_state_);
  return {exception, &host_state_};
}

Parties::End Parties::Run(Side side, const CpuState& start) {
  Machine& machine = *MachineOf(side);
  const Exceptions exception = machine.RunAgain(start, kMaxInstructions);
  if (side == Side::kKvm) {
    native_.KvmHasRun();
  }
  return {exception, &machine.state()};
}

std::span<const std::byte> Parties::HostBytes(u64 linear, u64 size) const {
  return {reinterpret_cast<const std::byte*>(linear), size};
}

bool Parties::HasSameMemory(Side side) {
  Machine& machine = *MachineOf(side);
  const auto is_same = [&](u64 start, u64 size) {
    for (u64 at = start; at < start + size; at += kPageSize) {
      if (std::memcmp(HostBytes(at, kPageSize).data(), machine.AtLinear(at), kPageSize) != 0) {
        return false;
      }
    }
    return true;
  };
  return is_same(kLongLayout.data, kDataSize) && is_same(kStackStart, kStackSize);
}

bool Parties::HasSameMemoryNear(Side side, Window data, u64 stack) {
  Machine& machine = *MachineOf(side);
  const auto is_same = [&](u64 start, u64 size) {
    const u64 first = std::min(size, kPageSize - start % kPageSize);
    return std::memcmp(HostBytes(start, first).data(), machine.AtLinear(start), first) == 0 &&
           (first == size || std::memcmp(HostBytes(start + first, size - first).data(),
                                         machine.AtLinear(start + first), size - first) == 0);
  };
  const bool is_stack = stack - kStackStart - kNearStack < kStackSize - 2 * kNearStack;
  return is_same(data.start, data.size) &&
         (!is_stack || is_same(stack - kNearStack, 2 * kNearStack));
}

std::string Parties::CompareMemory(Side side) {
  Machine& machine = *MachineOf(side);
  return CompareBytes("data", native_.data(), machine.Read(kLongLayout.data, kDataSize)) +
         CompareBytes("stack", native_.stack(), machine.Read(kStackStart, kStackSize));
}

}  // namespace tandem::cpu
