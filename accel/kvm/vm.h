#pragma once

#include <linux/kvm.h>

#include <memory>
#include <span>
#include <vector>

#include "accel/kvm/kvm_accelerator.h"
#include "accel/kvm/memory_slots.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::accel::kvm {

// A virtual machine of KVM's: its file descriptor, what its KVM can do, and its memory.
class Vm {
 public:
  static Result<std::unique_ptr<Vm>> Create(const KvmOptions& options);

  int fd() const { return fd_.get(); }
  const KvmOptions& options() const { return options_; }
  // KVM_CHECK_EXTENSION: 0 or less if there is no such thing.
  int Extension(int capability) const;
  std::span<const kvm_cpuid_entry2> SupportedCpuid() const { return cpuid_; }
  // The supported leaf, or zeroes.
  kvm_cpuid_entry2 SupportedLeaf(u32 leaf, u32 subleaf = 0) const;
  u64 SupportedXcr0() const;
  // Of a vCPU's shared page, and what follows it.
  size_t run_size() const { return run_size_; }
  MemorySlots& slots() { return *slots_; }

 private:
  Vm(UniqueFd system, UniqueFd fd, const KvmOptions& options);
  void ReadCpuid();
  void SetUp();

  const KvmOptions options_;
  const UniqueFd system_;
  const UniqueFd fd_;
  size_t run_size_ = 0;
  std::vector<kvm_cpuid_entry2> cpuid_;
  std::unique_ptr<MemorySlots> slots_;
};

}  // namespace tandem::accel::kvm
