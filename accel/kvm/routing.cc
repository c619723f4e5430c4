#include "accel/kvm/routing.h"

#include <algorithm>
#include <cstring>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/list.h"
#include "base/log.h"

namespace tandem::accel::kvm {
namespace {

constexpr u32 kIsaIrqs = 16;

kvm_irq_routing_entry ChipRoute(u32 gsi, u32 chip, u32 pin) {
  kvm_irq_routing_entry route{};
  route.gsi = gsi;
  route.type = KVM_IRQ_ROUTING_IRQCHIP;
  route.u.irqchip.irqchip = chip;
  route.u.irqchip.pin = pin;
  return route;
}

}  // namespace

// The timer's interrupt drives pin 2 of the I/O APIC; input 2 of the 8259 is the other 8259.
void Routing::ConnectChips() {
  MutexLock lock(mu_);
  for (u32 gsi = 0; gsi < kPins; ++gsi) {
    if (gsi == 2) {
      continue;
    }
    if (gsi < kIsaIrqs) {
      routes_.push_back(
          ChipRoute(gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8));
    }
    routes_.push_back(ChipRoute(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi));
  }
  CHECK(Apply().ok());
}

void Routing::SetPin(u32 pin, std::optional<devices::MsiMessage> message) {
  MutexLock lock(mu_);
  Erase(pin);
  CHECK((message ? Append(pin, *message) : Apply()).ok());
}

Result<devices::Gsi> Routing::AddMessage(devices::MsiMessage message) {
  MutexLock lock(mu_);
  devices::Gsi gsi = kPins;
  while (std::ranges::any_of(routes_, [&](const auto& route) { return route.gsi == gsi; })) {
    ++gsi;
  }
  if (gsi >= static_cast<u32>(vm_.Extension(KVM_CAP_IRQ_ROUTING))) {
    return Fail("kvm: no more interrupts can be routed than {}", gsi);
  }
  if (const Result<void> done = Append(gsi, message); !done) {
    return done.error();
  }
  return gsi;
}

Result<void> Routing::SetMessage(devices::Gsi gsi, devices::MsiMessage message) {
  MutexLock lock(mu_);
  Erase(gsi);
  return Append(gsi, message);
}

void Routing::RemoveMessage(devices::Gsi gsi) {
  MutexLock lock(mu_);
  Erase(gsi);
  CHECK(Apply().ok());
}

void Routing::Erase(devices::Gsi gsi) {
  std::erase_if(routes_, [&](const kvm_irq_routing_entry& route) { return route.gsi == gsi; });
}

// A route that KVM refuses is taken back.
Result<void> Routing::Append(devices::Gsi gsi, devices::MsiMessage message) {
  kvm_irq_routing_entry route{};
  route.gsi = gsi;
  route.type = KVM_IRQ_ROUTING_MSI;
  route.u.msi.address_lo = static_cast<u32>(message.address);
  route.u.msi.address_hi = static_cast<u32>(message.address >> 32);
  route.u.msi.data = message.data;
  routes_.push_back(route);
  Result<void> done = Apply();
  if (!done) {
    routes_.pop_back();
    CHECK(Apply().ok());
  }
  return done;
}

Result<void> Routing::Apply() {
  if (Call(vm_.fd(), ForList(KVM_SET_GSI_ROUTING), List<kvm_irq_routing_entry>(routes_).data()) !=
      0) {
    return Fail("kvm: KVM_SET_GSI_ROUTING fails: {}", std::strerror(errno));
  }
  return {};
}

}  // namespace tandem::accel::kvm
