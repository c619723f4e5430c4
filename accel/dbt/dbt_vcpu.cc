#include "accel/dbt/dbt_vcpu.h"

#include <algorithm>

#include "base/log.h"
#include "cpu/state/signature.h"

namespace tandem::accel {
namespace {

// How many instructions run before counted time is brought up to date.
constexpr u64 kCountedSlice = 1000;
constexpr u64 kFreeSlice = u64{1} << 40;

}  // namespace

DbtVcpu::DbtVcpu(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env,
                 std::shared_ptr<jit::SharedCode> shared, jit::Onlooker* onlooker)
    : id_(id),
      signature_(cpu::Signature(model)),
      env_(env),
      context_(std::make_unique<jit::VcpuContext>()),
      state_(context_->state),
      events_(context_->attention),
      interpreter_(
          {state_, model, env.memory, env.ports, env.irqs.Apic(id), env.clock, id, &context_->tlb}),
      shared_(std::move(shared)),
      onlooker_(onlooker) {
  cpu::PowerOnReset(state_, id == 0, signature_);
  if (shared_ != nullptr) {
    engine_.emplace(*context_, interpreter_, *shared_, onlooker_);
  }
  StateChanged();
}

DbtVcpu::~DbtVcpu() {
  Log(LogItem::kAccel, "vcpu {}: {} instructions interpreted", id_, state_.instructions);
  if (engine_) {
    engine_->LogCounts();
  }
}

void DbtVcpu::StateChanged() {
  interpreter_.StateChanged();
  if (engine_) {
    engine_->StateChanged();
  }
}

void DbtVcpu::Post(u32 events) noexcept { events_.fetch_or(events, std::memory_order_release); }

void DbtVcpu::Kick() noexcept { Post(kKickEvent); }

void DbtVcpu::Signal(SignalKind kind, u8 vector) noexcept {
  switch (kind) {
    case SignalKind::kInterrupt:
      Post(kInterruptEvent);
      break;
    case SignalKind::kNmi:
      nmis_.fetch_add(1, std::memory_order_relaxed);
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

void DbtVcpu::Load(const cpu::CpuState& state) {
  state_ = state;
  reported_.reset();
  StateChanged();
  Post(kInterruptEvent);
}

Exit DbtVcpu::Run() {
  while (true) {
    ServeEvents();
    if (Take(kKickEvent)) {
      return Kicked{};
    }
    if (std::optional<Exit> exit = WhenInactive()) {
      return std::move(*exit);
    }
    if (state_.activity != cpu::Activity::kRunning) {
      continue;
    }
    if (!debug_.IsOn()) {
      Execute();
    } else if (std::optional<Exit> exit = ExecuteDebugged()) {
      return std::move(*exit);
    }
  }
}

void DbtVcpu::Execute() {
  if (engine_ && env_.icount == nullptr) {
    engine_->Run();
  } else {
    Interpret(kFreeSlice);
  }
}

// Counted time and debuggers need to stop at any instruction. Returns how many were done.
u64 DbtVcpu::Interpret(u64 limit) {
  if (env_.icount != nullptr) {
    limit = std::min(limit, env_.icount->Budget(kCountedSlice));
  }
  const u64 done = interpreter_.Run(limit, events_);
  if (env_.icount != nullptr) {
    env_.icount->Advance(done);
  }
  return done;
}

// Another engine has taken the event from its source.
void DbtVcpu::DeliverPendingEvent() {
  const cpu::PendingEvent event = std::exchange(state_.pending_event, {});
  if (event.kind == cpu::PendingEvent::Kind::kInterrupt) {
    interpreter_.TakeInterrupt(event.vector);
    return;
  }
  const auto vector = static_cast<cpu::Vector>(event.vector);
  interpreter_.Raise({.raised = true,
                      .vector = vector,
                      .has_error_code = event.has_error_code,
                      .error_code = event.error_code,
                      .address = vector == cpu::Vector::kPf ? state_.cr2 : 0});
}

// Between instructions. SDM Vol. 3, 6.9: INIT, then NMI, then maskable interrupts.
void DbtVcpu::ServeEvents() {
  // Both at once: a start-up that was sent after an INIT must not be seen without it, as the INIT
  // would then undo it.
  const u32 resets = events_.fetch_and(~(kInitEvent | kStartupEvent));
  if ((resets & kInitEvent) != 0) {
    DoInit();
  }
  if ((resets & kStartupEvent) != 0) {
    DoStartup();
  }
  if ((resets & (kInitEvent | kStartupEvent)) != 0 && onlooker_ != nullptr) {
    onlooker_->OnReset(state_);
  }
  if (state_.pending_event.kind != cpu::PendingEvent::Kind::kNone) {
    DeliverPendingEvent();
  }
  const bool can_take =
      state_.activity == cpu::Activity::kRunning || state_.activity == cpu::Activity::kHalted;
  if (!can_take || state_.mov_ss_shadow) {
    return;
  }
  ServeNmis();
  OfferInterrupt();
}

// One NMI is latched while another is being handled (SDM Vol. 3, 6.7.1): of two that came since the
// last look, a processor would have taken the first before the second.
void DbtVcpu::ServeNmis() {
  const u32 arrived = Take(kNmiEvent) ? nmis_.exchange(0) : 0;
  const u32 waiting = arrived + (state_.nmi_pending ? 1 : 0);
  state_.nmi_pending = waiting != 0;
  if (state_.nmi_pending && !state_.nmi_blocked && !state_.sti_shadow) {
    if (onlooker_ != nullptr) {
      onlooker_->OnNmi(state_);
    }
    interpreter_.TakeNmi();
    state_.nmi_pending = waiting > 1;
  }
}

// Whether an interrupt is due is asked again once it can be taken: then the interpreter returns.
void DbtVcpu::OfferInterrupt() {
  (void)Take(kInterruptEvent);
  const bool has_vector = env_.irqs.HasVector(id_);
  const bool is_open = (state_.rflags & cpu::kFlagIf) != 0 && !state_.sti_shadow;
  interpreter_.SetWindowWanted(has_vector && !is_open);
  context_->window_wanted = has_vector && !is_open;
  if (!has_vector || !is_open) {
    return;
  }
  if (const std::optional<u8> vector = env_.irqs.TakeVector(id_)) {
    Log(LogItem::kInt, "vcpu {}: interrupt {:#04x} at {:#x}", id_, *vector, state_.rip);
    interpreter_.TakeInterrupt(*vector);
  }
}

void DbtVcpu::DoInit() {
  Log(LogItem::kCpuReset, "vcpu {}: INIT", id_);
  cpu::InitReset(state_, id_ == 0, signature_);
  if (devices::LocalApic* apic = env_.irqs.Apic(id_)) {
    apic->Reset();
  }
  StateChanged();
}

void DbtVcpu::DoStartup() {
  if (state_.activity != cpu::Activity::kWaitForSipi) {
    return;
  }
  const u8 vector = startup_vector_.load();
  Log(LogItem::kCpuReset, "vcpu {}: start-up at {:#x}", id_, vector << 12);
  cpu::StartUp(state_, vector);
  StateChanged();
}

std::optional<Exit> DbtVcpu::WhenInactive() {
  switch (state_.activity) {
    case cpu::Activity::kRunning:
      return std::nullopt;
    case cpu::Activity::kShutdown:
      return ShutDown{};
    default:
      break;
  }
  // The engine's own bits can wait until there is code to run.
  if ((events_.load(std::memory_order_acquire) & ~jit::Engine::kOwnAttention) != 0) {
    return std::nullopt;
  }
  // With counted time a halted machine jumps ahead; other vCPUs do not exist then.
  if (env_.icount != nullptr && env_.icount->WarpToNextDeadline()) {
    return std::nullopt;
  }
  return Halted{};
}

}  // namespace tandem::accel
