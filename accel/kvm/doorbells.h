#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "devices/bus/address_space.h"

namespace tandem::accel::kvm {

// The doorbells of an address space in KVM (api.rst, KVM_IOEVENTFD), where a write that rings one
// does not leave KVM_RUN. Kept in step with the map. Those that KVM refuses ring in the map.
class KernelDoorbells final : public devices::TopologyListener {
 public:
  // The space outlives it.
  KernelDoorbells(int vm_fd, devices::AddressSpace& space, bool is_ports, bool takes_any_size);
  ~KernelDoorbells() override { space_.Unlisten(*this); }

 private:
  struct Placed {
    Gpa address;
    devices::Doorbell doorbell;

    bool operator==(const Placed&) const = default;
  };

  void OnViewChanged(const std::shared_ptr<const devices::FlatView>&) override { Follow(); }
  void OnDirtyLogChanged() override {}
  void OnDirtyLogWanted() override {}
  void OnDoorbellsChanged() override { Follow(); }

  void Follow();
  std::vector<Placed> Wanted() const;
  // Whether KVM did so.
  bool Set(const Placed& placed, bool is_there);

  const int vm_fd_;
  devices::AddressSpace& space_;
  const bool is_ports_;
  const bool takes_any_size_;
  Mutex mu_{LockRank::kLeaf};  // guards placed_
  std::vector<Placed> placed_;
};

}  // namespace tandem::accel::kvm
