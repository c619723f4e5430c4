#pragma once

#include <optional>

#include "cpu/decode/inst.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {

// Why code with this instruction may end wrongly on a KVM whose kernel emulates instructions, as it
// does on a host with neither VMX nor SVM; null: it may not. wanted: the vector of the exception or
// interrupt that it should end with.
const char* KvmAllowance(MachineMode mode, bool is_user, const Inst& inst,
                         std::optional<u8> wanted);

}  // namespace tandem::cpu
