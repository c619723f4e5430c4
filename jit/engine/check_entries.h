#pragma once

namespace tandem::jit {

// Whether each way into translated code is checked (check_entries.cc). Slow; --config=asan has it, and
// --define=check_entries=on switches it on in any build. Only this room is compiled with the macro.
#ifdef TANDEM_CHECK_ENTRIES
inline constexpr bool kChecksEntries = true;
#else
inline constexpr bool kChecksEntries = false;
#endif

}  // namespace tandem::jit
