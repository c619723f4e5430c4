#include "accel/run/vcpu_thread.h"

#include <pthread.h>

#include <string>

#include "base/check.h"

namespace tandem::accel {

VcpuThread::VcpuThread(devices::VcpuId id, std::unique_ptr<Vcpu> vcpu, ExitHandler on_exit)
    : id_(id), on_exit_(std::move(on_exit)), vcpu_(std::move(vcpu)), thread_([this] { Loop(); }) {
  pthread_setname_np(thread_.native_handle(), ("vcpu" + std::to_string(id)).c_str());
}

VcpuThread::~VcpuThread() {
  Order(Wanted::kQuit);
  thread_.join();
}

void VcpuThread::Order(Wanted wanted) {
  {
    MutexLock lock(mu_);
    wanted_ = wanted;
    has_signal_ = true;
    vcpu_->Kick();
  }
  changed_.notify_all();
}

void VcpuThread::Resume() { Order(Wanted::kRun); }

void VcpuThread::RequestPark() { Order(Wanted::kPark); }

void VcpuThread::WaitUntilParked() {
  UniqueLock lock(mu_);
  changed_.wait(lock, [&] { return is_parked_; });
}

// A kicked vCPU looks at its signals and executes nothing. No lock is held meanwhile, as it may
// call interrupt controllers, which call Signal.
void VcpuThread::Settle() {
  {
    UniqueLock lock(mu_);
    CHECK(wanted_ == Wanted::kPark);
    changed_.wait(lock, [&] { return is_parked_; });  // it may just have begun
    is_replacing_ = true;
  }
  vcpu_->Kick();
  (void)vcpu_->Run();
}

void VcpuThread::Replace(std::unique_ptr<Vcpu> vcpu) {
  auto state = std::make_unique<cpu::CpuState>();
  vcpu_->Save(*state);
  vcpu->Load(*state);
  UniqueLock lock(mu_);
  has_retired_ = true;
  retired_ = std::exchange(vcpu_, std::move(vcpu));
  changed_.notify_all();
  changed_.wait(lock, [&] { return !has_retired_; });
  is_replacing_ = false;
  has_signal_ = true;
  for (const auto& [kind, vector] : std::exchange(held_, {})) {
    vcpu_->Signal(kind, vector);
  }
}

void VcpuThread::Signal(SignalKind kind, u8 vector) {
  {
    MutexLock lock(mu_);
    if (is_replacing_) {
      held_.emplace_back(kind, vector);
    } else {
      vcpu_->Signal(kind, vector);
    }
    has_signal_ = true;
  }
  changed_.notify_all();
}

bool VcpuThread::WaitForOrders() {
  UniqueLock lock(mu_);
  if (wanted_ == Wanted::kPark) {
    is_parked_ = true;
    changed_.notify_all();
    while (wanted_ == Wanted::kPark) {
      changed_.wait(lock, [&] { return wanted_ != Wanted::kPark || retired_ != nullptr; });
      // On the thread that it ran on, as engines leave marks there; without the lock.
      std::unique_ptr<Vcpu> old = std::move(retired_);
      lock.unlock();
      old.reset();
      lock.lock();
      has_retired_ = false;
      changed_.notify_all();
    }
  }
  is_parked_ = wanted_ == Wanted::kQuit;
  changed_.notify_all();
  return wanted_ == Wanted::kRun;
}

// A signal that came while the guest ran was seen by Run, so waiting once too little is harmless.
void VcpuThread::WaitForSignal() {
  UniqueLock lock(mu_);
  changed_.wait(lock, [&] { return has_signal_ || wanted_ != Wanted::kRun; });
  has_signal_ = false;
}

void VcpuThread::Loop() {
  while (WaitForOrders()) {
    const Exit exit = vcpu_->Run();
    if (std::holds_alternative<Kicked>(exit)) {
      continue;
    }
    if (std::holds_alternative<Halted>(exit)) {
      WaitForSignal();
      continue;
    }
    {
      MutexLock lock(mu_);
      wanted_ = wanted_ == Wanted::kQuit ? Wanted::kQuit : Wanted::kPark;
    }
    on_exit_(id_, exit);
  }
}

}  // namespace tandem::accel
