#pragma once

#include "jit/context/context.h"

namespace tandem::jit {

class Engine;

// Prepares the calling thread for the engine's translated code: GS base, a stack for signals, and the
// process's handlers of SIGSEGV, SIGBUS, SIGFPE and SIGILL, which turn faults of translated code into the
// guest's and leave all others to who handled them before.
void UseHostThread(Engine& engine, VcpuContext& context);

// The engine goes: another one may come to lie at its address.
void LeaveHostThread(const Engine& engine);

}  // namespace tandem::jit
