#include "devices/pci/pirq_router.h"

namespace tandem::devices {
namespace {

constexpr u8 kDisconnected = 0x80;

}  // namespace

void PirqRouter::SetIntx(u8 devfn, u8 pin, bool level) {
  MutexLock lock(mu_);
  const u32 pirq = ((devfn >> 3) + 3u + pin) & 3;
  asserted_[pirq][devfn] = level;
  if ((routes_[pirq] & kDisconnected) == 0) {
    Update(routes_[pirq] & 0xf);
  }
}

void PirqRouter::SetRoute(u32 pirq, u8 route) {
  MutexLock lock(mu_);
  const u8 old = std::exchange(routes_[pirq & 3], route);
  for (const u8 changed : {old, route}) {
    if ((changed & kDisconnected) == 0) {
      Update(changed & 0xf);
    }
  }
}

void PirqRouter::Reset() {
  MutexLock lock(mu_);
  routes_.fill(kDisconnected);
  for (Gsi gsi = 0; gsi < levels_.size(); ++gsi) {
    Update(gsi);
  }
}

// Sets the wire to the OR of the PIRQs routed to it; the lock keeps the order of changes.
void PirqRouter::Update(Gsi gsi) {
  bool level = false;
  for (size_t pirq = 0; pirq < routes_.size(); ++pirq) {
    level = level || (routes_[pirq] == gsi && asserted_[pirq].any());
  }
  if (levels_[gsi] != level) {
    levels_[gsi] = level;
    irq_chip_.SetLine(gsi, level);
  }
}

}  // namespace tandem::devices
