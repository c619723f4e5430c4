#include "jit/x64/emitter.h"

// Where the guest's general registers are while a unit runs.
namespace tandem::jit {

using Xbyak::Reg64;

void Emitter::LoadGuest(const Reg64& to, u8 guest) {
  LoadContext(to, GprOffset(form_.homes.Of(guest)));
}

void Emitter::StoreGuest(u8 guest, const Reg64& from) {
  StoreContext(GprOffset(form_.homes.Of(guest)), from);
}

// The host register of a guest register, or scratch with its value.
Reg64 Emitter::GuestOr(u8 guest, const Reg64& scratch) {
  if (!InMemory(guest)) {
    return HostOf(guest);
  }
  LoadGuest(scratch, guest);
  return scratch;
}

void Emitter::TakeHomes() {
  if (!unit_->homes.IsDefault()) {
    MovePlaces();
  }
  form_.homes = unit_->homes;
}

void Emitter::LeaveHomes() {
  if (!form_.homes.IsDefault()) {
    MovePlaces();
  }
  form_.homes = {};
}

// Exchanges are their own inverse. Leaves EFLAGS and kScratch0 alone.
void Emitter::MovePlaces() {
  for (size_t i = 0; i < kMemoryRegisters.size(); ++i) {
    const u8 partner = unit_->homes.partners()[i];
    if (partner == kMemoryRegisters[i]) {
      continue;
    }
    const Reg64 host(HostRegister(partner));
    LoadContext(Scratch1(), GprOffset(kMemoryRegisters[i]));
    StoreContext(GprOffset(kMemoryRegisters[i]), host);
    Copy(host, Scratch1());
  }
}

}  // namespace tandem::jit
