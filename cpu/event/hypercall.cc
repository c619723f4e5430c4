#include "cpu/event/hypercall.h"

#include <sched.h>

#include "base/bits.h"
#include "cpu/event/system.h"

namespace tandem::cpu {
namespace {

// Numbers of calls and errors. Linux, include/uapi/linux/kvm_para.h.
constexpr u64 kSendIpi = 10;
constexpr u64 kSchedYield = 11;
constexpr u64 kNoSuchCall = -u64{1000};
constexpr u64 kInvalid = -u64{22};

constexpr u64 kBaseX2 = 1u << 10;
constexpr u32 kIcr = 0x300;
constexpr u32 kIcrHigh = 0x310;
constexpr u32 kX2Icr = 0x830;
constexpr u64 kIcrModeAndVector = 0x7ff;
constexpr u64 kIcrLogical = 1u << 11;
constexpr u64 kIcrShorthand = 3u << 18;

struct Arguments {
  u64 rbx, rcx, rdx, rsi;
};

void SendTo(devices::LocalApic& apic, u32 id, u64 icr) {
  if ((apic.ReadMsr(0x1b).value_or(0) & kBaseX2) != 0) {
    (void)apic.WriteMsr(kX2Icr, u64{id} << 32 | icr);
    return;
  }
  const u32 kept = apic.ReadRegister(kIcrHigh);  // the guest may be between its two writes
  apic.WriteRegister(kIcrHigh, id << 24);
  apic.WriteRegister(kIcr, static_cast<u32>(icr));
  apic.WriteRegister(kIcrHigh, kept);
}

// RCX:RBX has a bit for each destination, RDX is the APIC ID that bit 0 stands for, RSI the ICR.
// The answer is how many were reached.
u64 SendIpi(Context& context, const Arguments& arguments, unsigned bits_a_word) {
  if (context.apic == nullptr || (arguments.rsi & (kIcrLogical | kIcrShorthand)) != 0) {
    return kInvalid;
  }
  u64 reached = 0;
  for (u64 i = 0; i < 2 * u64{bits_a_word}; ++i) {
    const u64 word = i < bits_a_word ? arguments.rbx : arguments.rcx;
    const u64 id = static_cast<u32>(arguments.rdx) + i;
    if (Bit(word, static_cast<unsigned>(i % bits_a_word)) && id < context.model.vcpu_count) {
      SendTo(*context.apic, static_cast<u32>(id), arguments.rsi & kIcrModeAndVector);
      ++reached;
    }
  }
  return reached;
}

u64 Answer(Context& context, u64 number, const Arguments& arguments, unsigned bits_a_word) {
  switch (number) {
    case kSendIpi:
      return SendIpi(context, arguments, bits_a_word);
    case kSchedYield:
      ::sched_yield();
      return 0;
    default:
      return kNoSuchCall;
  }
}

}  // namespace

Fault Hypercall(Context& context) {
  CpuState& state = context.state;
  if (RequireCpl0(state)) {
    return Fault::Ud();
  }
  const bool is_wide = state.In64BitMode();
  const u64 mask = is_wide ? ~u64{0} : 0xffffffff;
  const Arguments arguments{state.gpr[kRbx] & mask, state.gpr[kRcx] & mask, state.gpr[kRdx] & mask,
                            state.gpr[kRsi] & mask};
  state.gpr[kRax] = Answer(context, state.gpr[kRax] & mask, arguments, is_wide ? 64 : 32) & mask;
  return Fault::None();
}

}  // namespace tandem::cpu
