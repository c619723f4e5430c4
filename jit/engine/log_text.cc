#include "jit/engine/log_text.h"

#include <fmt/format.h>

#include <array>

namespace tandem::jit {
namespace {

constexpr std::array kGprs = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                              "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

struct FlagName {
  u64 flag;
  const char* name;
};
constexpr FlagName kFlags[] = {{cpu::kFlagCf, "CF"}, {cpu::kFlagPf, "PF"}, {cpu::kFlagAf, "AF"},
                               {cpu::kFlagZf, "ZF"}, {cpu::kFlagSf, "SF"}, {cpu::kFlagOf, "OF"}};

std::string Place(const AccessPlan& plan, i32 offset) {
  switch (plan.form) {
    case AccessForm::kBase:
      return fmt::format("{}{:+d}", kGprs[plan.base], offset);
    case AccessForm::kIndexed:
      return "an indexed address";
    default:
      return "a computed address";
  }
}

}  // namespace

std::string ModeText(const UnitMode& mode) {
  const char* const place = mode.is_real     ? "real"
                            : mode.is_user   ? "user"
                            : mode.is_kernel ? "kernel"
                                             : "ring 1 or 2";
  return fmt::format("{}-bit {}", mode.code_bits, place);
}

const char* TreatmentText(Treatment treatment) {
  switch (treatment) {
    case Treatment::kCopy: return "copy";
    case Treatment::kNothing: return "nothing";
    case Treatment::kLea: return "lea";
    case Treatment::kPush: return "push";
    case Treatment::kPop: return "pop";
    case Treatment::kLeave: return "leave";
    case Treatment::kConditional: return "conditional jump";
    case Treatment::kJump: return "jump";
    case Treatment::kJumpIndirect: return "indirect jump";
    case Treatment::kCall: return "call";
    case Treatment::kCallIndirect: return "indirect call";
    case Treatment::kReturn: return "return";
    case Treatment::kLoop: return "loop";
    case Treatment::kDirection: return "direction flag";
    case Treatment::kNeedX87: return "load x87 state first";
    case Treatment::kNeedVectors: return "load vector state first";
    case Treatment::kPushFlags: return "push flags";
    case Treatment::kInterruptFlag: return "interrupt flag";
    case Treatment::kSwapGs: return "swapgs";
    case Treatment::kCallOut: return "call-out";
    case Treatment::kExecute: return "execute in C++";
    case Treatment::kInterpret: return "interpret";
  }
  return "?";
}

std::string FlagsText(u32 flags) {
  std::string text;
  for (const FlagName& flag : kFlags) {
    if ((flags & flag.flag) != 0) {
      text += text.empty() ? "" : " ";
      text += flag.name;
    }
  }
  return text.empty() ? "none" : text;
}

std::string AccessText(const AccessPlan& plan, u64 address_of_leader) {
  const std::string access = fmt::format("{} of {} at {}", plan.is_write ? "write" : "read",
                                         plan.size, Place(plan, plan.offset));
  if (plan.leader != nullptr) {
    return fmt::format("{}: under the check at {:#x}", access, address_of_leader);
  }
  return fmt::format("{}: checks {} from {} in the {}{}", access, plan.check_size,
                     Place(plan, plan.check_offset), plan.asks_tlb ? "TLB" : "cached run",
                     plan.is_group ? ", for a group" : "");
}

std::string HomesText(const Homes& homes) {
  std::string text;
  for (size_t i = 0; i < kMemoryRegisters.size(); ++i) {
    if (const u8 partner = homes.partners()[i]; partner != kMemoryRegisters[i]) {
      text += fmt::format("{}{} and {} change places", text.empty() ? "" : ", ",
                          kGprs[kMemoryRegisters[i]], kGprs[partner]);
    }
  }
  return text;
}

}  // namespace tandem::jit
