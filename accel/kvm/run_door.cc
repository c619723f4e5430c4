#include "accel/kvm/run_door.h"

#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "base/check.h"

namespace tandem::accel::kvm {
namespace {

constexpr int kKickSignal = SIGUSR1;

// Only that a handler exists matters: the signal then ends KVM_RUN and nothing else. api.rst,
// "immediate_exit".
void InstallHandler() {
  static std::once_flag once;  // of the process, as handlers are
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    CHECK(::sigaction(kKickSignal, &action, nullptr) == 0);
  });
}

}  // namespace

RunDoor::RunDoor(int vcpu_fd, kvm_run& run) : fd_(vcpu_fd), immediate_exit_(run.immediate_exit) {
  InstallHandler();
}

void RunDoor::ClearPoke() noexcept { immediate_exit_.store(0); }

int RunDoor::Run() { return ::ioctl(fd_, KVM_RUN, 0) >= 0 ? 0 : errno; }

// Each side writes its own flag before it reads the other's, so one of them sees the other.
int RunDoor::Enter() {
  thread_local const auto own_id = static_cast<pid_t>(::syscall(SYS_gettid));
  thread_.store(own_id, std::memory_order_relaxed);
  is_inside_.store(true);
  while (is_closed_.load()) {
    is_inside_.store(false);
    is_inside_.notify_all();
    is_closed_.wait(true);
    is_inside_.store(true);
  }
  const int error = Run();
  is_inside_.store(false);
  if (is_closed_.load()) {
    is_inside_.notify_all();
  }
  return error;
}

int RunDoor::Complete() {
  immediate_exit_.store(1);
  return Run();
}

void RunDoor::Poke() noexcept {
  immediate_exit_.store(1);
  if (is_inside_.load()) {
    const int saved = errno;
    ::syscall(SYS_tgkill, ::getpid(), thread_.load(std::memory_order_relaxed), kKickSignal);
    errno = saved;
  }
}

void RunDoor::Close() {
  is_closed_.store(true);
  Poke();
  is_inside_.wait(true);
}

void RunDoor::Open() {
  is_closed_.store(false);
  is_closed_.notify_all();
}

}  // namespace tandem::accel::kvm
