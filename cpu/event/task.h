#pragma once

#include <optional>

#include "cpu/event/descriptor.h"

namespace tandem::cpu {

enum class TaskSwitchSource : u8 { kJump, kCall, kInterrupt, kReturn };

// Hardware task switch. SDM Vol. 3, 7.3. The privilege to use the TSS or its gate has been checked.
// return_rip is saved in the old task. Until the new TSS is found good nothing changes; later
// faults belong to the new task. error_code is pushed there.
Fault SwitchTask(Context& context, u16 tss_selector, TaskSwitchSource source, u64 return_rip,
                 u32 ext, std::optional<u32> error_code);

}  // namespace tandem::cpu
