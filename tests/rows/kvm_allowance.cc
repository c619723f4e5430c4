#include "tests/rows/kvm_allowance.h"

namespace tandem::cpu {
namespace {

constexpr u8 kProtection = 13;
constexpr u8 kOperandSizePrefix = 0x66;

struct Case {
  MachineMode mode;
  bool is_user;
  const Inst& inst;
  std::optional<u8> wanted;
};

struct Entry {
  const char* reason;
  bool (*has)(const Case&);
};

bool IsVector(const Inst& inst) { return inst.host_class >= HostClass::kMmx; }

bool IsNearBranchWith66(const Inst& inst) {
  return (inst.op == Op::kJmp || inst.op == Op::kJcc || inst.op == Op::kCall) && !inst.is_far &&
         inst.bytes[0] == kOperandSizePrefix;
}

// F3 0F 01 E8.
bool IsSetssbsy(const Inst& inst) {
  return inst.length == 4 && inst.bytes[0] == 0xf3 && inst.bytes[1] == 0x0f &&
         inst.bytes[2] == 0x01 && inst.bytes[3] == 0xe8;
}

// The kernel reports all of these as done, or raises the exception itself, so that the safety net
// never sees them.
constexpr Entry kEntries[] = {
    {"#UD, not #GP, of a misaligned vector operand: the kernel does not know the instruction that "
     "faulted",
     [](const Case& c) {
       return c.is_user && c.wanted == kProtection && IsVector(c.inst) && c.inst.alignment != 0;
     }},
    {"#UD at INT n in user code: the kernel does not know it outside of real mode",
     [](const Case& c) { return c.is_user && c.inst.bytes[0] == 0xcd; }},
    {"VEX and EVEX in user code of 32- and 16-bit segments: #UD, or the kernel goes on elsewhere",
     [](const Case& c) {
       return c.is_user && c.mode != MachineMode::kLong && c.inst.encoding != Encoding::kLegacy;
     }},
    {"near branches with 66h in 64-bit code: RIP is cut to 16 bits, as by AMD's processors",
     [](const Case& c) { return c.mode == MachineMode::kLong && IsNearBranchWith66(c.inst); }},
    {"SETSSBSY without shadow stacks: the kernel goes on behind it, without #UD",
     [](const Case& c) { return IsSetssbsy(c.inst); }},
};

}  // namespace

const char* KvmAllowance(MachineMode mode, bool is_user, const Inst& inst,
                         std::optional<u8> wanted) {
  for (const Entry& entry : kEntries) {
    if (entry.has({mode, is_user, inst, wanted})) {
      return entry.reason;
    }
  }
  return nullptr;
}

}  // namespace tandem::cpu
