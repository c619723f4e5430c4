#pragma once

#include <functional>
#include <memory>

#include "accel/lockstep/replica.h"

namespace tandem::accel::tests {

using MakeReplica =
    std::function<std::unique_ptr<lockstep::Replica>(const cpu::CpuModel&, const VcpuEnv&)>;

// Changes the state, or memory.
using Spoil = std::function<void(cpu::CpuState&, const devices::FlatView&)>;

// Our interpreter with a fault: whenever the instruction at this address has been executed, its
// result is spoilt.
MakeReplica MakeFaulty(u64 address, Spoil spoil);

}  // namespace tandem::accel::tests
