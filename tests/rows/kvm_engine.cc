#include "tests/rows/kvm_engine.h"

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <functional>

#include "accel/kvm/kvm_accelerator.h"
#include "base/check.h"

namespace tandem::cpu {
namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr accel::KvmOptions kOptions{.irqchip = accel::KernelIrqchip::kOff, .has_pit = false};

std::unique_ptr<accel::Accelerator> MakeAccelerator() {
  auto made = accel::MakeKvmAccelerator(kOptions);
  CHECK(made.ok());
  return std::move(*made);
}

// Signals of the tests are for the thread that runs.
std::thread StartWithoutSignals(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  CHECK(::pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  std::thread thread(std::move(body));
  CHECK(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  return thread;
}

}  // namespace

const std::string& KvmEngine::WhyMissing() {
  static const std::string reason = [] {
    const auto made = accel::MakeKvmAccelerator(kOptions);
    return made ? std::string() : made.error().message;
  }();
  return reason;
}

bool KvmEngine::IsThere() {
  static const bool is_there = [] {
    if (const std::string& why = WhyMissing(); !why.empty()) {
      std::fprintf(stderr, "skipped: %s\n", why.c_str());
      return false;
    }
    return true;
  }();
  return is_there;
}

FeatureSet KvmEngine::Features() { return MakeAccelerator()->Features(); }

KvmEngine::KvmEngine(const CpuModel& model, devices::AddressSpace& memory,
                     devices::AddressSpace& ports, devices::Clock& clock)
    : accelerator_(MakeAccelerator()), model_(model), irqs_(1, clock, signals_) {
  model_.features &= accelerator_->Features();
  CHECK(accelerator_->MakeIrqs(1).ok());
  auto made = accelerator_->MakeVcpu(0, model_, {memory, ports, irqs_, clock});
  CHECK(made.ok());
  vcpu_ = std::move(*made);
  watch_ = StartWithoutSignals([this] { Watch(); });
}

KvmEngine::~KvmEngine() {
  {
    MutexLock lock(mu_);
    is_done_ = true;
    done_.notify_all();
  }
  watch_.join();
}

// A run that is under way at two looks in turn takes too long.
void KvmEngine::Watch() {
  UniqueLock lock(mu_);
  for (u64 seen = 0; !done_.wait_for(lock, kPatience, [this] { return is_done_; });) {
    const u64 turn = turn_.load();
    if (turn == seen && turn % 2 == 1) {
      late_turn_.store(turn);
      vcpu_->Kick();
    }
    seen = turn;
  }
}

std::string KvmEngine::Run(CpuState& state) {
  vcpu_->Load(state);
  const u64 turn = turn_.fetch_add(1) + 1;
  accel::Exit exit = vcpu_->Run();
  while (std::holds_alternative<accel::Kicked>(exit) && late_turn_.load() != turn) {
    exit = vcpu_->Run();  // the kick was for the run before
  }
  turn_.fetch_add(1);
  if (const auto* fatal = std::get_if<accel::Fatal>(&exit)) {
    return fatal->message;
  }
  vcpu_->Save(state);
  return std::holds_alternative<accel::Halted>(exit)     ? ""
         : std::holds_alternative<accel::ShutDown>(exit) ? "a shutdown"
                                                         : "no end";
}

}  // namespace tandem::cpu
