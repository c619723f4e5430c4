#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "accel/api/vcpu.h"
#include "base/mutex.h"

namespace tandem::accel {

// The host thread of one vCPU. Starts parked.
class VcpuThread {
 public:
  // Called on the vCPU's thread, which parks afterwards.
  using ExitHandler = std::function<void(devices::VcpuId, const Exit&)>;

  VcpuThread(devices::VcpuId id, std::unique_ptr<Vcpu> vcpu, ExitHandler on_exit);
  // Stops and joins.
  ~VcpuThread();

  // For its state while the thread is parked.
  Vcpu& vcpu() { return *vcpu_; }

  // While parked: what was signalled to the vCPU becomes a part of its state, and what is signalled
  // from now on waits for Replace ...
  void Settle();
  // ... which puts another vCPU with the same state in its place.
  void Replace(std::unique_ptr<Vcpu> vcpu);

  // Any thread.
  void Resume();
  // Asks for a stop between two instructions; WaitUntilParked waits for it.
  void RequestPark();
  void WaitUntilParked();
  void Signal(SignalKind kind, u8 vector);

 private:
  enum class Wanted : u8 { kPark, kRun, kQuit };

  void Loop();
  // Waits until the thread is to run (true) or to quit (false).
  bool WaitForOrders();
  void WaitForSignal();
  void Order(Wanted wanted);

  const devices::VcpuId id_;
  ExitHandler on_exit_;

  Mutex mu_{LockRank::kLeaf};  // guards the fields below; vcpu_ also changes only while parked
  CondVar changed_;
  std::unique_ptr<Vcpu> vcpu_;
  std::unique_ptr<Vcpu> retired_;  // replaced, to be destroyed by its thread
  Wanted wanted_ = Wanted::kPark;
  bool is_parked_ = false;
  bool has_signal_ = false;
  bool is_replacing_ = false;
  bool has_retired_ = false;
  std::vector<std::pair<SignalKind, u8>> held_;  // signals that came while replacing
  std::thread thread_;
};

}  // namespace tandem::accel
