#include <array>
#include <bit>

#include "base/bits.h"
#include "base/check.h"
#include "jit/x64/emitter.h"

// Instructions that become themselves: other registers, another memory operand.
namespace tandem::jit {
namespace {

using Xbyak::Reg64;

constexpr size_t kSpill0 = offsetof(VcpuContext, spill);

// Where guest registers are by default.
constexpr std::array<u8, 16> kDefaultPlaces = [] {
  std::array<u8, 16> places{};
  for (u8 guest = 0; guest < places.size(); ++guest) {
    places[guest] = HostRegister(guest);
  }
  return places;
}();

bool IsOverwritten(const cpu::Inst& inst) {
  switch (inst.op) {
    case cpu::Op::kMov: case cpu::Op::kMovzx: case cpu::Op::kMovsx: case cpu::Op::kMovsxd:
      return inst.operands[0].size >= 4 && !Bit(inst.gprs_read, inst.operands[0].reg);
    default:
      return false;
  }
}

u32 RegistersOf(const HostMem& mem) {
  return (1u << mem.base) | (mem.index != kNoIndex ? 1u << mem.index : 0);
}

}  // namespace

// Each register in its home, another memory operand.
Reencoding Emitter::WithHomes(const HostMem* mem) const {
  Reencoding request;
  request.code_bits = unit_->mode.code_bits;
  request.mem = mem;
  request.gpr = kDefaultPlaces;
  if (!form_.homes.IsDefault()) [[unlikely]] {
    for (u8 guest = 0; guest < 16; ++guest) {
      request.gpr[guest] = static_cast<u8>(HostOf(guest).getIdx());
    }
  }
  return request;
}

void Emitter::EmitCopy(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const cpu::Inst& inst = unit_inst.inst;
  const AccessPlan& plan = accesses_[i].memory;
  HostMem mem;
  const bool has_memory = plan.form != AccessForm::kNone;
  if (has_memory) {
    mem = Address(i, plan);
  }
  const u32 flags = static_cast<u32>(cpu::kArithFlags);
  const FlagEffect effect = FlagEffectOf(unit_inst);
  const bool writes = (inst.flags_written & flags) != 0;
  if (effect.needs != 0 || (writes && (live_[i].after & ~effect.overwrites) != 0)) {
    const bool is_taken = has_memory && mem.index == kScratch1.getIdx();
    is_taken ? NeedHostFlags(kScratch0) : NeedHostFlags();
  }
  NotePoint(unit_inst.offset, form_.flags == FlagHome::kHost && live_[i].before != 0);
  EmitEncoded(inst, has_memory ? &mem : nullptr);
  if (writes) {
    form_.flags = FlagHome::kHost;
  }
}

void Emitter::EmitEncoded(const cpu::Inst& inst, const HostMem* mem) {
  if (mem != nullptr && cpu::HasOperand(inst, cpu::OperandKind::kHighByte)) {
    EmitHighByteWithMemory(inst, *mem);
    return;
  }
  Reencoding request = WithHomes(mem);
  const GprFields fields = GprFieldsOf(inst, request.code_bits);
  const Guests guests = BringGuests(inst, fields, mem, request);
  PutReencoded(inst, fields, request);
  ReturnGuests(inst, guests);
}

void Emitter::PutReencoded(const cpu::Inst& inst, const GprFields& fields,
                           const Reencoding& request) {
  u8* const at = here();
  EndAt(at + Reencode(inst, fields, request, std::span<u8, kMaxHostLength>(at, kMaxHostLength)));
}

// The number of a scratch register that is not taken, or kNoRegister.
u8 Emitter::FreeScratch(u32 taken) {
  if (!Bit(taken, kScratch0.getIdx())) {
    return static_cast<u8>(kScratch0.getIdx());
  }
  return Bit(taken, kScratch1.getIdx()) ? cpu::kNoRegister : static_cast<u8>(Scratch1().getIdx());
}

// Registers that live in memory get a scratch register that is free or, as a last resort, a host
// register whose value is put aside.
Emitter::Guests Emitter::BringGuests(const cpu::Inst& inst, const GprFields& fields,
                                     const HostMem* mem, Reencoding& request) {
  Guests guests;
  u32 taken = mem != nullptr ? RegistersOf(*mem) : 0;
  u32 brought = 0;
  for (const u8 guest : fields.all()) {
    if (!InMemory(guest) || Bit(brought, guest)) {
      continue;
    }
    brought |= 1u << guest;
    u8 host = FreeScratch(taken);
    if (host == cpu::kNoRegister) {
      host = Borrow(inst, mem);
      CHECK(guests.borrowed == cpu::kNoRegister);
      guests.borrowed = host;
      StoreContext(kSpill0, Reg64(host));
    }
    taken |= 1u << host;
    request.gpr[guest] = host;
    guests.guest[guests.count] = guest;
    guests.host[guests.count++] = host;
    if (!(IsOverwritten(inst) && inst.operands[0].reg == guest)) {
      LoadGuest(Reg64(host), guest);
    }
  }
  return guests;
}

void Emitter::ReturnGuests(const cpu::Inst& inst, const Guests& guests) {
  for (size_t i = 0; i < guests.count; ++i) {
    if (Bit(inst.gprs_written, guests.guest[i])) {
      StoreGuest(guests.guest[i], Reg64(guests.host[i]));
    }
  }
  if (guests.borrowed != cpu::kNoRegister) {
    LoadContext(Reg64(guests.borrowed), kSpill0);
  }
}

// Three registers at once in memory, MULX and the like: a host register that the instruction has no
// part in.
u8 Emitter::Borrow(const cpu::Inst& inst, const HostMem* mem) const {
  u32 used = (1u << kScratch0.getIdx()) | (1u << kScratch1.getIdx()) | (1u << kGuestRsp.getIdx()) |
             (1u << cpu::kRsp);
  for (u8 guest = 0; guest < 16; ++guest) {
    used |= Bit(inst.gprs_read | inst.gprs_written, guest) ? 1u << HostOf(guest).getIdx() : 0;
  }
  used |= mem != nullptr ? RegistersOf(*mem) : 0;
  return static_cast<u8>(std::countr_one(used));
}

// AH to BH exclude a REX prefix, which the address would need: it goes through RBP.
void Emitter::EmitHighByteWithMemory(const cpu::Inst& inst, const HostMem& mem) {
  StoreContext(kSpill0, rbp);
  lea(rbp, Mem(mem, 8));
  const HostMem low{static_cast<u8>(rbp.getIdx())};
  const Reencoding request = WithHomes(&low);
  PutReencoded(inst, GprFieldsOf(inst, request.code_bits), request);
  LoadContext(rbp, kSpill0);
}

// Whether computing the address in the register itself would overwrite a part of it too early: a
// part that is loaded from memory first while the register is the other one.
bool Emitter::WouldOverwrite(const cpu::MemoryOperand& mem, u8 guest) const {
  return (InMemory(mem.base) && mem.index == guest) || (InMemory(mem.index) && mem.base == guest);
}

void Emitter::EmitLea(size_t i) {
  const UnitInst& unit_inst = unit_->insts[i];
  const cpu::Inst& inst = unit_inst.inst;
  const u8 guest = inst.operands[0].reg;
  const auto size = inst.operand_size;
  const Reg64 home = InMemory(guest) ? kScratch0 : HostOf(guest);
  if (!InMemory(guest) && size == inst.mem.address_size && size != 2 &&
      !WouldOverwrite(inst.mem, guest)) {
    EmitOffset(unit_inst, home);
    return;
  }
  EmitOffset(unit_inst, kScratch0);
  if (size == 2 && InMemory(guest)) {
    putSeg(gs);
    mov(At(GprOffset(form_.homes.Of(guest))), kScratch0.cvt16());
    return;
  }
  Copy(Sized(home, size), Sized(kScratch0, size));
  if (InMemory(guest)) {
    StoreGuest(guest, home);
  }
}

}  // namespace tandem::jit
