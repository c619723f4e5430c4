#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>

#include "accel/api/accelerator.h"
#include "accel/kvm/kernel_irqs.h"
#include "accel/kvm/rescue.h"
#include "accel/kvm/run_door.h"
#include "accel/kvm/state_access.h"
#include "accel/kvm/vm.h"

namespace tandem::accel::kvm {

// A vCPU of KVM's: the loop around KVM_RUN.
class KvmVcpu final : public Vcpu {
 public:
  // vm and apics, which are used only if they are the kernel's, outlive it.
  static Result<std::unique_ptr<KvmVcpu>> Create(Vm& vm, KernelApics& apics, devices::VcpuId id,
                                                 const cpu::CpuModel& model, const VcpuEnv& env);
  ~KvmVcpu() override;

  Exit Run() override;
  void Kick() noexcept override { Post(kKickEvent); }
  void Signal(SignalKind kind, u8 vector) noexcept override;
  void Save(cpu::CpuState& state) const override;
  void Load(const cpu::CpuState& state) override;
  void SetDebug(const DebugSpec& spec) override;

  int fd() const { return fd_.get(); }

 private:
  enum Event : u32 {
    kInterruptEvent = 1u << 0,
    kNmiEvent = 1u << 1,
    kInitEvent = 1u << 2,
    kStartupEvent = 1u << 3,
    kKickEvent = 1u << 4,
  };

  KvmVcpu(Vm& vm, KernelApics& apics, UniqueFd fd, std::span<std::byte> shared, devices::VcpuId id,
          const cpu::CpuModel& model, const VcpuEnv& env);

  // kvm_vcpu.cc
  void Post(u32 events) noexcept;
  bool Take(u32 event) noexcept { return (events_.fetch_and(~event) & event) != 0; }
  std::optional<Exit> Serve();
  std::optional<Exit> ServeEvents();
  std::optional<Exit> EnterGuest();
  std::optional<Exit> FinishInstruction();
  std::optional<Exit> AfterRun(int error);
  bool HasOwnApic() const { return vm_.options().irqchip != KernelIrqchip::kOff; }
  void DoInit();
  void DoStartup();
  std::optional<Exit> Inactive() const;

  // interrupts.cc
  void OfferInterrupt();
  void GiveVector();
  bool Inject(u8 vector);
  void FollowApic();
  bool ServeApicPage();
  cpu::Activity CurrentActivity() const;
  void LoadActivity(cpu::Activity activity);

  // exits.cc
  std::optional<Exit> ServeExit();
  void ServePorts();
  void ServeMemory();
  std::optional<Exit> Halt();
  Exit Fail(const std::string& what);

  // failure.cc
  std::optional<Exit> ServeFailure();
  // False: nothing could be done.
  bool Interpret(cpu::CpuState& state);
  std::string Dump();

  // debug.cc
  void ApplyDebug(bool steps, bool has_execute_breakpoints);
  u64 LinearRip() const;
  bool StandsAtReported() const { return reported_ && *reported_ == LinearRip(); }
  std::optional<Exit> LookForInt3();
  std::optional<Exit> ServeDebugExit();

  Vm& vm_;
  KernelApics& apics_;
  const UniqueFd fd_;
  const std::span<std::byte> shared_;  // struct kvm_run, and the data of port accesses behind it
  kvm_run& run_;
  const devices::VcpuId id_;
  const cpu::CpuModel& model_;
  const VcpuEnv env_;
  RunDoor door_;
  StateAccess access_;
  std::atomic<u32> events_{0};
  std::atomic<u8> startup_vector_{0};
  DebugSpec debug_;
  std::optional<u64> reported_;  // of the breakpoint that the guest stands at
  bool is_stepping_over_ = false;
  // For INT3s of the debugger that this KVM does not stop at: each instruction is a step.
  const bool has_int3_exits_;
  // An exit was served that KVM has not finished the instruction of.
  bool is_unfinished_ = false;
  cpu::Activity activity_ =
      cpu::Activity::kRunning;     // without a local APIC in the kernel; shutdown
  u64 apic_base_ = 0;              // as KVM knows it, likewise
  std::optional<u8> held_vector_;  // taken from the controllers, not yet KVM's
  std::optional<std::string> load_error_;
  std::unique_ptr<Rescue> rescue_;
  u64 rescue_limit_ = 1;
  u64 rescue_count_ = 0;
  bool was_rescued_ = false;  // and KVM has not left since
  struct {
    u64 ports = 0, memory = 0, halts = 0, all = 0;
  } exits_;
};

}  // namespace tandem::accel::kvm
