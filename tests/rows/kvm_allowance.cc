#include "tests/rows/kvm_allowance.h"

#include <algorithm>
#include <iterator>

#include "accel/kvm/host.h"
#include "tests/rows/kvm_engine.h"

namespace tandem::cpu {
namespace {

constexpr u8 kInvalidOpcode = 6, kProtection = 13, kPageFault = 14;
constexpr u32 kUserFetch = 0x14;  // error code of a page fault
constexpr u64 kPageSize = 4096;
constexpr u8 kOperandSizePrefix = 0x66;

struct Entry {
  const char* reason;
  bool (*has)(const KvmEnding&);
};

bool IsUser64(const KvmEnding& ending) {
  return ending.is_user && ending.mode == MachineMode::kLong;
}

bool IsUserNarrow(const KvmEnding& ending) {
  return ending.is_user && ending.mode != MachineMode::kLong;
}

bool IsVector(const Exceptions& exception, u8 vector) {
  return exception && exception->vector == vector;
}

bool IsOfferedByKvm(const Inst& inst) {
  static const CpuModel model = [] {
    CpuModel of_kvm;
    of_kvm.features = KvmEngine::Features();
    return of_kvm;
  }();
  return IsOffered(model, inst);
}

bool IsNearBranchWith66(const Inst& inst) {
  return (inst.op == Op::kJmp || inst.op == Op::kJcc || inst.op == Op::kCall) && !inst.is_far &&
         inst.bytes[0] == kOperandSizePrefix;
}

// F3 0F 01 E8.
bool IsSetssbsy(const Inst& inst) {
  return inst.length == 4 && inst.bytes[0] == 0xf3 && inst.bytes[1] == 0x0f &&
         inst.bytes[2] == 0x01 && inst.bytes[3] == 0xe8;
}

bool LoadsSegment(const Inst& inst) {
  const Operand& to = inst.operands[0];
  return (inst.op >= Op::kLds && inst.op <= Op::kLss) ||
         (to.kind == OperandKind::kSegment && to.is_written);
}

// REX.R, which means nothing with a segment register.
bool HasRexR(const Inst& inst) {
  return inst.opcode_at > 0 && (inst.bytes[inst.opcode_at - 1u] & 0xf4) == 0x44;
}

bool WritesWhatItReads(const Inst& inst) {
  const Operand* const operand = MemoryOperandOf(inst);
  return operand != nullptr && operand->is_read && operand->is_written;
}

bool IsCanonical(u64 address) {
  return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address;
}

// But for the first, the kernel reports all of these as done, or raises the exception itself, so
// that the safety net never sees them.
constexpr Entry kEntries[] = {
    {"instructions that this KVM does not offer: as on a processor without them",
     [](const KvmEnding& e) { return !IsOfferedByKvm(e.inst); }},
    {"#UD, not #GP, of 64-bit user code: the kernel does not know the instruction that faulted",
     [](const KvmEnding& e) {
       return IsUser64(e) && IsVector(e.wanted, kProtection) && IsVector(e.is, kInvalidOpcode);
     }},
    {"#UD of 64-bit user code whose RSP is not canonical, at instructions that the kernel does not "
     "know",
     [](const KvmEnding& e) {
       return IsUser64(e) && IsVector(e.is, kInvalidOpcode) && !IsCanonical(e.state.gpr[kRsp]);
     }},
    {"#UD at INT n in user code: the kernel does not know it outside of real mode",
     [](const KvmEnding& e) { return e.is_user && e.inst.bytes[0] == 0xcd; }},
    {"instructions of 32- and 16-bit user code that the kernel does not know (x87, vectors and "
     "others): #UD, or a page fault at RIP as if CS had no base",
     [](const KvmEnding& e) {
       const bool is_fetch = IsVector(e.is, kPageFault) && e.is->error_code == kUserFetch;
       return IsUserNarrow(e) && (IsVector(e.is, kInvalidOpcode) || is_fetch);
     }},
    {"NOP of memory outside of 64-bit code: as if its address had 32 bits",
     [](const KvmEnding& e) { return e.mode != MachineMode::kLong && e.inst.op == Op::kNop; }},
    {"near branches with 66h in 64-bit code: RIP is cut to 16 bits, as by AMD's processors",
     [](const KvmEnding& e) { return e.mode == MachineMode::kLong && IsNearBranchWith66(e.inst); }},
    {"LAR, LSL, VERR and VERW in user code: they do not see the guest's tables",
     [](const KvmEnding& e) {
       return e.is_user && (e.inst.op == Op::kLar || e.inst.op == Op::kLsl ||
                            e.inst.op == Op::kVerr || e.inst.op == Op::kVerw);
     }},
    {"segment registers loaded by 64-bit user code: they may stay as they were, or become null",
     [](const KvmEnding& e) { return IsUser64(e) && !e.is && LoadsSegment(e.inst); }},
    {"REX.R at a segment register: #UD, not ignored",
     [](const KvmEnding& e) {
       return IsUser64(e) && IsVector(e.is, kInvalidOpcode) && LoadsSegment(e.inst) &&
              HasRexR(e.inst);
     }},
    {"in a segment that may not be written, of what is read and written: a page fault before the "
     "#GP",
     [](const KvmEnding& e) {
       return IsUserNarrow(e) && IsVector(e.wanted, kProtection) && IsVector(e.is, kPageFault) &&
              WritesWhatItReads(e.inst);
     }},
    {"AAM and AAD with more than 8 bits: ZF and SF are those of more than AL",
     [](const KvmEnding& e) { return e.inst.op == Op::kAam || e.inst.op == Op::kAad; }},
    {"DAA and DAS clear OF, which the manual leaves undefined",
     [](const KvmEnding& e) { return e.inst.op == Op::kDaa || e.inst.op == Op::kDas; }},
    {"exceptions through 16-bit gates push a frame of 32-bit words",
     [](const KvmEnding& e) {
       return e.mode == MachineMode::kProtected16 && e.is && e.wanted &&
              e.is->vector == e.wanted->vector;
     }},
    {"stores across two pages of which the second faults: the first is written",
     [](const KvmEnding& e) {
       return IsVector(e.is, kPageFault) && IsVector(e.wanted, kPageFault) &&
              e.state.cr2 % kPageSize == 0;
     }},
    {"stores of MMX registers that fault: the x87 tags are written all the same",
     [](const KvmEnding& e) {
       return e.inst.host_class == HostClass::kMmx && IsVector(e.is, kPageFault);
     }},
    {"memory operands that are not aligned and not there: a #GP before the page fault",
     [](const KvmEnding& e) {
       return IsVector(e.wanted, kPageFault) && IsVector(e.is, kProtection) &&
              e.inst.alignment != 0;
     }},
    {"SETSSBSY without shadow stacks: the kernel goes on behind it, without #UD",
     [](const KvmEnding& e) { return IsSetssbsy(e.inst); }},
};
static_assert(std::size(kEntries) == kKvmAllowances);

}  // namespace

const char* KvmAllowanceName(size_t index) { return kEntries[index].reason; }

std::optional<size_t> FindKvmAllowance(const KvmEnding& ending) {
  static const bool is_virtualised = accel::kvm::HostHasVirtualisation();
  const size_t count = is_virtualised ? 1 : kKvmAllowances;
  for (size_t i = 0; i < count; ++i) {
    if (kEntries[i].has(ending)) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace tandem::cpu
