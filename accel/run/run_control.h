#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "accel/run/vcpu_thread.h"
#include "devices/bus/irq.h"

namespace tandem::accel {

// All vCPU threads of a machine: starts, pauses and signals them. Control calls come from one
// thread at a time; signals from any.
class RunControl final : public devices::CpuSignals {
 public:
  // A vCPU left Run for good (ShutDown, Fatal) or for the debugger; on that vCPU's thread.
  explicit RunControl(VcpuThread::ExitHandler on_exit) : on_exit_(std::move(on_exit)) {}

  // While the machine is built; the vCPU starts parked.
  void Add(std::unique_ptr<Vcpu> vcpu);
  size_t vcpu_count() const { return threads_.size(); }
  // Only while paused.
  Vcpu& vcpu(devices::VcpuId id) { return threads_[id]->vcpu(); }

  using MakeVcpus = std::function<std::vector<std::unique_ptr<Vcpu>>()>;
  // Goes on with other vCPUs, of any accelerator: while paused, one for each. Their state is that
  // of the old ones, which are destroyed. make is called once nothing that was signalled to the old
  // ones is still on its way: it may put other interrupt controllers in place.
  void MoveTo(const MakeVcpus& make);

  void Resume();
  // Asks every vCPU to stop between two instructions, the caller's behind the one it is at. Any
  // thread, locks may be held; Pause is to follow.
  void RequestPause();
  // Returns when every vCPU is parked. Not from a vCPU thread.
  void Pause();
  // Joins all threads.
  void Stop() { threads_.clear(); }

  void InterruptPending(devices::VcpuId vcpu) override;
  void SendNmi(devices::VcpuId vcpu) override;
  void SendInit(devices::VcpuId vcpu) override;
  void SendStartup(devices::VcpuId vcpu, u8 vector) override;

 private:
  void Signal(devices::VcpuId vcpu, SignalKind kind, u8 vector = 0);

  VcpuThread::ExitHandler on_exit_;
  std::vector<std::unique_ptr<VcpuThread>> threads_;
};

}  // namespace tandem::accel
