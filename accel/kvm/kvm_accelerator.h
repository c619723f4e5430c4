#pragma once

#include <memory>
#include <optional>
#include <string>

#include "accel/api/accelerator.h"

namespace tandem::accel {

// Which interrupt controllers are the kernel's: `-machine kernel-irqchip=`.
enum class KernelIrqchip : u8 {
  kOn,     // PIC, IOAPIC, local APICs and PIT
  kSplit,  // the local APICs
  kOff,
};

struct KvmOptions {
  KernelIrqchip irqchip = KernelIrqchip::kOn;
  bool has_pit = true;       // of kOn
  bool has_fallback = true;  // instructions that KVM cannot emulate are interpreted
  const char* path = "/dev/kvm";
};

// Executes guest code by Linux's KVM: `-accel kvm`. The error says what is wrong with the host and
// how to get on.
Result<std::unique_ptr<Accelerator>> MakeKvmAccelerator(const KvmOptions& options);

// Whether KVM is the fast way to run a guest here, for `-accel auto`; the error says why not.
Result<void> CheckKvmIsFast(const char* path = "/dev/kvm");

}  // namespace tandem::accel
