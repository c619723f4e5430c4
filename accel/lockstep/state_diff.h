#pragma once

#include <string>
#include <vector>

#include "cpu/state/cpu_state.h"

namespace tandem::accel::lockstep {

// How much of the state is compared.
enum class Strictness : u8 {
  kAll,
  kArchitectural,  // without what KVM keeps in its own way, or does not tell
};

// One register that two engines have otherwise.
struct Difference {
  std::string name;
  std::string master, replica;  // values
};

// A quick look first, as most states agree.
bool IsSame(const cpu::CpuState& master, const cpu::CpuState& replica, Strictness strictness);
std::vector<Difference> FindDifferences(const cpu::CpuState& master, const cpu::CpuState& replica,
                                        Strictness strictness);

// "CF ZF IF", the names of the flags that are set.
std::string FlagNames(u64 flags);

}  // namespace tandem::accel::lockstep
