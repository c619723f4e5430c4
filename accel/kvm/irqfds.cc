#include "accel/kvm/irqfds.h"

#include <algorithm>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "base/log.h"

namespace tandem::accel::kvm {

Irqfds::Irqfd* Irqfds::Find(const devices::EventFd& event) {
  const auto found = std::ranges::find_if(
      irqfds_, [&](const Irqfd& irqfd) { return irqfd.event.get() == &event; });
  return found == irqfds_.end() ? nullptr : &*found;
}

Result<void> Irqfds::Connect(const std::shared_ptr<devices::EventFd>& event,
                             const devices::IrqTarget& target) {
  const auto* const message = std::get_if<devices::MsiMessage>(&target);
  const Irqfd* const present = Find(*event);
  if (present != nullptr && present->is_message && message != nullptr) {
    Result<void> done = routing_.SetMessage(present->gsi, *message);
    if (!done) {
      Disconnect(event);
    }
    return done;
  }
  Disconnect(event);
  return message != nullptr ? ConnectMessage(event, *message)
                            : ConnectLine(event, std::get<devices::EventLine>(target));
}

Result<void> Irqfds::ConnectMessage(const std::shared_ptr<devices::EventFd>& event,
                                    devices::MsiMessage message) {
  const Result<devices::Gsi> gsi = routing_.AddMessage(message);
  if (!gsi) {
    return gsi.error();
  }
  Result<void> done = Assign(*event, *gsi, nullptr);
  if (done) {
    irqfds_.push_back({event, *gsi, /*is_message=*/true});
  } else {
    routing_.RemoveMessage(*gsi);
  }
  return done;
}

Result<void> Irqfds::ConnectLine(const std::shared_ptr<devices::EventFd>& event,
                                 const devices::EventLine& line) {
  if (vm_.options().irqchip != KernelIrqchip::kOn || line.gsi >= Routing::kPins) {
    return Fail("kvm: line {} is not the kernel's", line.gsi);
  }
  Result<void> done = Assign(*event, line.gsi, line.resample.get());
  if (done) {
    irqfds_.push_back({event, line.gsi, /*is_message=*/false});
  }
  return done;
}

// A signal that the event has already interrupts at once.
Result<void> Irqfds::Assign(const devices::EventFd& event, devices::Gsi gsi,
                            const devices::EventFd* resample) {
  kvm_irqfd irqfd{};
  irqfd.fd = static_cast<u32>(event.fd());
  irqfd.gsi = gsi;
  if (resample != nullptr) {
    irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
    irqfd.resamplefd = static_cast<u32>(resample->fd());
  }
  if (Call(vm_.fd(), KVM_IRQFD, &irqfd) != 0) {
    return Fail("kvm: KVM_IRQFD fails: {}", std::strerror(errno));
  }
  Log(LogItem::kAccel, "kvm: event {} interrupts by GSI {}", event.fd(), gsi);
  return {};
}

// When the kernel has given it up, what was signalled has been sent: the route goes last.
void Irqfds::Disconnect(const std::shared_ptr<devices::EventFd>& event) {
  const Irqfd* const present = Find(*event);
  if (present == nullptr) {
    return;
  }
  kvm_irqfd irqfd{};
  irqfd.fd = static_cast<u32>(event->fd());
  irqfd.gsi = present->gsi;
  irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
  MustCall(vm_.fd(), KVM_IRQFD, &irqfd);
  if (present->is_message) {
    routing_.RemoveMessage(present->gsi);
  }
  std::erase_if(irqfds_, [&](const Irqfd& each) { return each.event == event; });
}

}  // namespace tandem::accel::kvm
