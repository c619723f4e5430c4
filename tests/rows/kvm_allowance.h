#pragma once

#include <optional>

#include "cpu/decode/inst.h"
#include "tests/rows/compare.h"

namespace tandem::cpu {

// How an instruction ended on a KVM.
struct KvmEnding {
  MachineMode mode = MachineMode::kLong;
  bool is_user = true;
  const Inst& inst;
  Exceptions wanted, is;
  const CpuState& state;  // that KVM left
};

// Why a KVM may differ from its host, by index: the first for instructions that it does not offer
// to guests, the others what a kernel does wrong that emulates instructions, as it does on a host
// with neither VMX nor SVM.
inline constexpr size_t kKvmAllowances = 18;
const char* KvmAllowanceName(size_t index);

// Which of these the ending may be, if it is wrong; on other hosts than those only the first.
std::optional<size_t> FindKvmAllowance(const KvmEnding& ending);

}  // namespace tandem::cpu
