#include "accel/run/run_control.h"

#include "base/check.h"

namespace tandem::accel {

void RunControl::Add(std::unique_ptr<Vcpu> vcpu) {
  const auto id = static_cast<devices::VcpuId>(threads_.size());
  threads_.push_back(std::make_unique<VcpuThread>(id, std::move(vcpu), on_exit_));
}

void RunControl::MoveTo(const MakeVcpus& make) {
  for (const auto& thread : threads_) {
    thread->Settle();
  }
  std::vector<std::unique_ptr<Vcpu>> vcpus = make();
  CHECK(vcpus.size() == threads_.size());
  for (size_t i = 0; i < vcpus.size(); ++i) {
    threads_[i]->Replace(std::move(vcpus[i]));
  }
}

void RunControl::Resume() {
  for (const auto& thread : threads_) {
    thread->Resume();
  }
}

void RunControl::RequestPause() {
  for (const auto& thread : threads_) {
    thread->RequestPark();
  }
}

void RunControl::Pause() {
  RequestPause();
  for (const auto& thread : threads_) {
    thread->WaitUntilParked();
  }
}

void RunControl::Signal(devices::VcpuId vcpu, SignalKind kind, u8 vector) {
  // Controllers may speak up while the machine is still being built.
  if (vcpu < threads_.size()) {
    threads_[vcpu]->Signal(kind, vector);
  }
}

void RunControl::InterruptPending(devices::VcpuId vcpu) { Signal(vcpu, SignalKind::kInterrupt); }
void RunControl::SendNmi(devices::VcpuId vcpu) { Signal(vcpu, SignalKind::kNmi); }
void RunControl::SendInit(devices::VcpuId vcpu) { Signal(vcpu, SignalKind::kInit); }
void RunControl::SendStartup(devices::VcpuId vcpu, u8 vector) {
  Signal(vcpu, SignalKind::kStartup, vector);
}

}  // namespace tandem::accel
