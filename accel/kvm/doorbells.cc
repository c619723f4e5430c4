#include "accel/kvm/doorbells.h"

#include <linux/kvm.h>

#include <algorithm>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "base/log.h"
#include "devices/bus/event_fd.h"

namespace tandem::accel::kvm {

KernelDoorbells::KernelDoorbells(int vm_fd, devices::AddressSpace& space, bool is_ports,
                                 bool takes_any_size)
    : vm_fd_(vm_fd), space_(space), is_ports_(is_ports), takes_any_size_(takes_any_size) {
  space_.Listen(*this);
}

// The doorbells that lie whole in what is visible of their device.
std::vector<KernelDoorbells::Placed> KernelDoorbells::Wanted() const {
  std::vector<Placed> wanted;
  const auto view = space_.View();
  for (const devices::FlatRange& range : view->ranges()) {
    const auto doorbells = range.device ? range.device->doorbells() : nullptr;
    if (doorbells == nullptr) {
      continue;
    }
    for (const devices::Doorbell& doorbell : *doorbells) {
      const u64 end = doorbell.offset + std::max(doorbell.size, 1u);
      if (doorbell.offset >= range.offset && end <= range.offset + range.length &&
          (doorbell.size != 0 || takes_any_size_)) {
        wanted.push_back({range.start + (doorbell.offset - range.offset), doorbell});
      }
    }
  }
  return wanted;
}

// Two threads may change things at once and be heard in the wrong order: what is now counts.
void KernelDoorbells::Follow() {
  MutexLock lock(mu_);
  const std::vector<Placed> wanted = Wanted();
  std::erase_if(placed_, [&](const Placed& placed) {
    const bool is_wanted = std::ranges::find(wanted, placed) != wanted.end();
    CHECK(is_wanted || Set(placed, false));
    return !is_wanted;
  });
  for (const Placed& placed : wanted) {
    if (std::ranges::find(placed_, placed) == placed_.end() && Set(placed, true)) {
      placed_.push_back(placed);
    }
  }
}

bool KernelDoorbells::Set(const Placed& placed, bool is_there) {
  const devices::Doorbell& doorbell = placed.doorbell;
  kvm_ioeventfd request{};
  request.addr = placed.address.value;
  request.len = doorbell.size;
  request.fd = doorbell.event->fd();
  request.datamatch = doorbell.value.value_or(0);
  request.flags = (doorbell.value ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) |
                  (is_ports_ ? KVM_IOEVENTFD_FLAG_PIO : 0) |
                  (is_there ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN);
  const bool is_done = Call(vm_fd_, KVM_IOEVENTFD, &request) == 0;
  Log(LogItem::kAccel, "kvm: doorbell at {} {:#x} {}{}", is_ports_ ? "port" : "address",
      placed.address.value, is_there ? "watched" : "given up",
      is_done ? "" : std::string(": ") + std::strerror(errno));
  return is_done;
}

}  // namespace tandem::accel::kvm
