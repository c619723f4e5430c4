#include "jit/engine/host_thread.h"

#include <asm/prctl.h>
#include <csignal>
#include <ctime>
#include <mutex>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/check.h"
#include "jit/engine/engine.h"

namespace tandem::jit {
namespace {

thread_local Engine* current_engine = nullptr;

struct sigaction previous_actions[NSIG];

void PassOn(int number, siginfo_t* info, void* context) {
  const struct sigaction& previous = previous_actions[number];
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(number, info, context);
    return;
  }
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
    return;
  }
  ::signal(number, SIG_DFL);  // the fault happens again and ends the process
}

void OnSignal(int number, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  u64 rip = static_cast<u64>(registers[REG_RIP]);
  u64 rsp = static_cast<u64>(registers[REG_RSP]);
  u64 scratch0 = static_cast<u64>(registers[REG_R11]);
  const u64 address = reinterpret_cast<u64>(info->si_addr);
  const u64 flags = static_cast<u64>(registers[REG_EFL]);
  if (current_engine != nullptr &&
      current_engine->HandleHostFault(address, flags, rip, rsp, scratch0)) {
    registers[REG_RIP] = static_cast<greg_t>(rip);
    registers[REG_RSP] = static_cast<greg_t>(rsp);
    registers[REG_R11] = static_cast<greg_t>(scratch0);
    return;
  }
  PassOn(number, info, context);
}

// Again where somebody else has put handlers of his own in the meantime.
void InstallHandlers() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    struct sigaction action {};
    CHECK(::sigaction(number, nullptr, &action) == 0);
    if ((action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &OnSignal) {
      continue;
    }
    previous_actions[number] = action;
    action = {};
    action.sa_sigaction = &OnSignal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    CHECK(::sigaction(number, &action, nullptr) == 0);
  }
}

void OnSampleTime(int) {
  if (current_engine != nullptr) {
    current_engine->AskForSample();
  }
}

// Asks for a sample each time the thread has used so much of a processor; costs nothing while it
// sleeps. Without such timers no loop is taken for hot.
class SampleTimer {
 public:
  SampleTimer() {
    struct sigaction action {};
    action.sa_handler = &OnSampleTime;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    CHECK(::sigaction(kSignal, &action, nullptr) == 0);
    struct sigevent event {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kSignal;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    if (::timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_) != 0) {
      return;
    }
    is_there_ = true;
    const timespec period{0, kPeriodNs};
    const itimerspec times{period, period};
    ::timer_settime(timer_, 0, &times, nullptr);
  }
  ~SampleTimer() {
    if (is_there_) {
      ::timer_delete(timer_);
    }
  }
  SampleTimer(const SampleTimer&) = delete;
  SampleTimer& operator=(const SampleTimer&) = delete;

 private:
  static constexpr int kSignal = SIGVTALRM;
  static constexpr long kPeriodNs = 2'000'000;

  timer_t timer_{};
  bool is_there_ = false;
};

// Translated code has a stack of its own, too small for handlers.
struct SignalStack {
  static constexpr size_t kSize = 64 << 10;

  SignalStack() : memory(std::make_unique<u8[]>(kSize)) {
    stack_t stack{};
    stack.ss_sp = memory.get();
    stack.ss_size = kSize;
    CHECK(::sigaltstack(&stack, &before) == 0);
  }
  ~SignalStack() { ::sigaltstack(&before, nullptr); }

  std::unique_ptr<u8[]> memory;
  stack_t before{};
};

}  // namespace

void UseHostThread(Engine& engine, VcpuContext& context) {
  thread_local SignalStack stack;
  thread_local SampleTimer timer;
  if (current_engine != &engine) {
    InstallHandlers();
    current_engine = &engine;
    CHECK(::syscall(SYS_arch_prctl, ARCH_SET_GS, &context) == 0);
  }
}

void LeaveHostThread(const Engine& engine) {
  if (current_engine == &engine) {
    current_engine = nullptr;
  }
}

}  // namespace tandem::jit
