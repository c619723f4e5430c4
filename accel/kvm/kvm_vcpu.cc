#include "accel/kvm/kvm_vcpu.h"

#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "accel/kvm/host.h"
#include "accel/kvm/ioctl.h"
#include "accel/kvm/list.h"
#include "base/log.h"
#include "cpu/state/signature.h"

namespace tandem::accel::kvm {
namespace {

Result<void> SetCpuid(int fd, const std::vector<kvm_cpuid_entry2>& entries) {
  if (Call(fd, ForList(KVM_SET_CPUID2), List<kvm_cpuid_entry2>(entries).data()) != 0) {
    return tandem::Fail("kvm: KVM_SET_CPUID2 fails: {}; does another -cpu do?",
                        std::strerror(errno));
  }
  return {};
}

// As many machine-check banks as our own engines have, and no more kinds of errors than KVM knows.
void SetUpMachineChecks(int fd, const Vm& vm) {
  constexpr u64 kTenBanksAndControl = 10 | 1u << 8;
  if (vm.Extension(KVM_CAP_MCE) > 0) {
    const u64 banks = kTenBanksAndControl;
    if (Call(fd, KVM_X86_SETUP_MCE, &banks) != 0) {
      Log(LogItem::kAccel, "kvm: no machine checks: {}", std::strerror(errno));
    }
  }
}

}  // namespace

Result<std::unique_ptr<KvmVcpu>> KvmVcpu::Create(Vm& vm, KernelApics& apics, devices::VcpuId id,
                                                 const cpu::CpuModel& model, const VcpuEnv& env) {
  UniqueFd fd(Call(vm.fd(), KVM_CREATE_VCPU, u64{id}));
  if (!fd.valid()) {
    return tandem::Fail("kvm: cannot create processor {}: {}; this KVM takes {} at most", id,
                        std::strerror(errno), vm.Extension(KVM_CAP_MAX_VCPUS));
  }
  const int khz = Call(fd.get(), KVM_GET_TSC_KHZ, 0);
  const Result<void> done = SetCpuid(
      fd.get(),
      MakeCpuid(model, OurCpuid(id, model, env), vm, khz > 0 ? static_cast<u32>(khz) : 1'000'000));
  if (!done) {
    return done.error();
  }
  SetUpMachineChecks(fd.get(), vm);
  void* const shared =
      ::mmap(nullptr, vm.run_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (shared == MAP_FAILED) {
    return tandem::Fail("kvm: cannot map processor {}'s page: {}", id, std::strerror(errno));
  }
  return std::unique_ptr<KvmVcpu>(new KvmVcpu(
      vm, apics, std::move(fd), {static_cast<std::byte*>(shared), vm.run_size()}, id, model, env));
}

KvmVcpu::KvmVcpu(Vm& vm, KernelApics& apics, UniqueFd fd, std::span<std::byte> shared,
                 devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env)
    : vm_(vm),
      apics_(apics),
      fd_(std::move(fd)),
      shared_(shared),
      run_(*reinterpret_cast<kvm_run*>(shared.data())),
      id_(id),
      model_(model),
      env_(env),
      door_(fd_.get(), run_),
      access_(fd_.get(), vm),
      has_int3_exits_(HostHasVirtualisation()) {
  vm_.slots().AddDoor(door_);
  cpu::CpuState state;
  cpu::PowerOnReset(state, id == 0, cpu::Signature(model));
  Load(state);
}

KvmVcpu::~KvmVcpu() {
  vm_.slots().RemoveDoor(door_);
  Log(LogItem::kAccel,
      "vcpu {}: {} exits of KVM: {} of ports, {} of memory, {} halts; {} instructions in {} places "
      "interpreted for it",
      id_, exits_.all, exits_.ports, exits_.memory, exits_.halts, rescue_ ? rescue_->executed() : 0,
      rescue_count_);
  ::munmap(shared_.data(), shared_.size());
}

void KvmVcpu::Post(u32 events) noexcept {
  events_.fetch_or(events);
  door_.Poke();
}

void KvmVcpu::Signal(SignalKind kind, u8 vector) noexcept {
  switch (kind) {
    case SignalKind::kInterrupt:
      Post(kInterruptEvent);
      break;
    case SignalKind::kNmi:
      Post(kNmiEvent);
      break;
    case SignalKind::kInit:
      Post(kInitEvent);
      break;
    case SignalKind::kStartup:
      startup_vector_.store(vector);
      Post(kStartupEvent);
      break;
  }
}

Exit KvmVcpu::Run() {
  std::optional<Exit> exit;
  while (!exit) {
    door_.ClearPoke();
    exit = Serve();
  }
  return std::move(*exit);
}

// One round: what others want, then the guest until it leaves.
std::optional<Exit> KvmVcpu::Serve() {
  if (load_error_) {
    return Fatal{*load_error_};
  }
  if (events_.load() != 0) {
    if (std::optional<Exit> exit = FinishInstruction()) {
      return exit;
    }
    if (std::optional<Exit> exit = ServeEvents()) {
      return exit;
    }
  }
  OfferInterrupt();
  if (std::optional<Exit> exit = Inactive()) {
    return exit;
  }
  return EnterGuest();
}

std::optional<Exit> KvmVcpu::ServeEvents() {
  (void)Take(kInterruptEvent);
  // As in DbtVcpu: a start-up is never seen before the INIT that was sent ahead of it.
  const u32 resets = events_.fetch_and(~(kInitEvent | kStartupEvent));
  if ((resets & kInitEvent) != 0) {
    DoInit();
  }
  if ((resets & kStartupEvent) != 0) {
    DoStartup();
  }
  if (Take(kNmiEvent)) {
    MustCall(fd_.get(), KVM_NMI, 0);
    activity_ = activity_ == cpu::Activity::kHalted ? cpu::Activity::kRunning : activity_;
  }
  if (Take(kKickEvent)) {
    return Kicked{};
  }
  return std::nullopt;
}

std::optional<Exit> KvmVcpu::EnterGuest() {
  if (debug_.stops_at_int3 && !has_int3_exits_) {
    if (std::optional<Exit> exit = LookForInt3()) {
      return exit;
    }
  }
  const bool steps_over = StandsAtReported();
  if (steps_over != is_stepping_over_) {
    is_stepping_over_ = steps_over;
    ApplyDebug(debug_.single_step || steps_over, !steps_over);
  }
  return AfterRun(door_.Enter());
}

// api.rst, KVM_RUN: the effects of an exit that was served are complete, and the state is whole,
// only once KVM_RUN was entered again.
std::optional<Exit> KvmVcpu::FinishInstruction() {
  while (is_unfinished_) {
    if (std::optional<Exit> exit = AfterRun(door_.Complete())) {
      return exit;
    }
  }
  return std::nullopt;
}

std::optional<Exit> KvmVcpu::AfterRun(int error) {
  is_unfinished_ = false;
  ++exits_.all;
  FollowApic();
  if (error == EINTR || error == EAGAIN) {
    return std::nullopt;
  }
  if (error != 0) {
    return Fail(fmt::format("KVM_RUN fails: {}", std::strerror(error)));
  }
  return ServeExit();
}

void KvmVcpu::Save(cpu::CpuState& state) const {
  access_.Save(state, env_.clock.NowNs());
  state.activity = CurrentActivity();
  if (held_vector_ && state.pending_event.kind == cpu::PendingEvent::Kind::kNone) {
    state.pending_event = {.kind = cpu::PendingEvent::Kind::kInterrupt, .vector = *held_vector_};
  }
}

void KvmVcpu::Load(const cpu::CpuState& state) {
  LoadContext context{.apic_base = std::nullopt, .tsc = env_.clock.NowNs() + state.msr.tsc_offset};
  if (!HasOwnApic()) {
    apic_base_ = env_.irqs.Apic(id_)->ReadMsr(0x1b).value_or(0);
    context.apic_base = apic_base_;
  }
  const Result<void> loaded = access_.Load(state, context);
  apics_.OnTscSet(fd_.get());
  load_error_ = loaded ? std::nullopt : std::optional(loaded.error().message);
  is_unfinished_ = false;
  held_vector_.reset();
  reported_.reset();
  LoadActivity(state.activity);
}

void KvmVcpu::DoInit() {
  Log(LogItem::kCpuReset, "vcpu {}: INIT", id_);
  cpu::CpuState state;
  Save(state);
  cpu::InitReset(state, id_ == 0, cpu::Signature(model_));
  if (devices::LocalApic* apic = env_.irqs.Apic(id_)) {
    apic->Reset();
  }
  Load(state);
}

void KvmVcpu::DoStartup() {
  if (CurrentActivity() != cpu::Activity::kWaitForSipi) {
    return;
  }
  const u8 vector = startup_vector_.load();
  Log(LogItem::kCpuReset, "vcpu {}: start-up at {:#x}", id_, vector << 12);
  cpu::CpuState state;
  Save(state);
  cpu::StartUp(state, vector);
  Load(state);
}

std::optional<Exit> KvmVcpu::Inactive() const {
  if (activity_ == cpu::Activity::kShutdown) {
    return ShutDown{};
  }
  if (!HasOwnApic() && activity_ != cpu::Activity::kRunning) {
    return Halted{};
  }
  return std::nullopt;
}

}  // namespace tandem::accel::kvm
