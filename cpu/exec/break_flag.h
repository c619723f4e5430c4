#pragma once

namespace tandem::cpu {

// Built with --define=break_flag=on, SBB with a borrow of ...F has AF wrong: for showing that
// tests/differential finds and shrinks it.
#ifdef TANDEM_BREAK_FLAG
inline constexpr bool kBreaksFlag = true;
#else
inline constexpr bool kBreaksFlag = false;
#endif

}  // namespace tandem::cpu
