#pragma once

namespace tandem {

// Prints the broken invariant with its place to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace tandem

// An invariant of ours: a bug if it ever fails. Never for anything a guest or a user can cause.
#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) [[unlikely]] {                         \
      ::tandem::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                        \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (false)
#else
#define DCHECK(condition) CHECK(condition)
#endif
