#pragma once

#include <sys/types.h>

#include <atomic>

#include "base/ints.h"

struct kvm_run;

namespace tandem::accel::kvm {

// The way of one vCPU's thread into KVM_RUN: others get it out by Poke, and keep it out by Close.
class RunDoor {
 public:
  // run: the vCPU's shared page, which outlives the door.
  RunDoor(int vcpu_fd, kvm_run& run);

  // The vCPU's thread.
  // Forgets pokes. What they were for is to be looked at afterwards, before the next Enter.
  void ClearPoke() noexcept;
  // KVM_RUN, once the door is open. 0, or the errno.
  int Enter();
  // Lets KVM finish the instruction whose exit was served; the guest goes no further. As Enter.
  int Complete();

  // Any thread, signal-safe: makes KVM_RUN return, the next one if none is under way.
  void Poke() noexcept;
  // Any thread, one at a time: the vCPU is outside when Close returns, and stays there until Open.
  // It needs no lock to come out, so locks may be held.
  void Close();
  void Open();

 private:
  int Run();

  const int fd_;
  std::atomic_ref<u8> immediate_exit_;
  std::atomic<pid_t> thread_{0};
  std::atomic<bool> is_inside_{false};
  std::atomic<bool> is_closed_{false};
};

}  // namespace tandem::accel::kvm
