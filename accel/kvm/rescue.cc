#include "accel/kvm/rescue.h"

#include <fmt/format.h>

#include <algorithm>

#include "cpu/decode/decoder.h"
#include "cpu/event/system.h"
#include "cpu/state/model_parser.h"

namespace tandem::accel::kvm {
namespace {

constexpr size_t kMaxLength = 15;
constexpr u32 kApicBaseMsr = 0x1b;
constexpr u64 kApicBase = 0xfee00000 | 1u << 11;

// As with a processor below KVM: instructions of user code work although CPUID does not tell of
// them. Those of systems fault, as KVM would have it.
cpu::CpuModel WithUserInstructions(cpu::CpuModel model) {
  model.features |= cpu::HostUserFeatures();
  for (const auto feature : {cpu::Feature::kXsave, cpu::Feature::kXsaveopt, cpu::Feature::kXsavec,
                             cpu::Feature::kXgetbv1}) {
    model.features.set(static_cast<size_t>(feature));
  }
  return model;
}

bool IsPrefix(u8 byte, bool is_64) {
  constexpr u8 kPrefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
  return (is_64 && (byte & 0xf0) == 0x40) ||
         std::find(std::begin(kPrefixes), std::end(kPrefixes), byte) != std::end(kPrefixes);
}

// Behind 0F: system registers, MSRs, CPUID, the time-stamp counter, hypercalls. SDM Vol. 2,
// appendix A. KVM has its own idea of them.
bool IsSystemOpcode(u8 opcode) {
  constexpr u8 kOpcodes[] = {0x00, 0x01, 0x06, 0x08, 0x09, 0x20, 0x21, 0x22,
                             0x23, 0x30, 0x31, 0x32, 0x33, 0xa2, 0xc7};
  return std::find(std::begin(kOpcodes), std::end(kOpcodes), opcode) != std::end(kOpcodes);
}

constexpr u8 kEscape = 0x0f;
constexpr u8 kHlt = 0xf4;

}  // namespace

std::optional<u64> FencedApic::ReadMsr(u32 index) {
  if (index == kApicBaseMsr) {
    return kApicBase;  // the interpreter asks where the page is; a guest's RDMSR is KVM's to do
  }
  return Touch();
}

Rescue::Rescue(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env)
    : model_(WithUserInstructions(model)),
      interpreter_({state_, model_, env.memory, env.ports,
                    env.irqs.Apic(id) != nullptr ? env.irqs.Apic(id) : &fence_, env.clock, id}) {}

u64 Rescue::Execute(cpu::CpuState& state, u64 limit, const std::atomic<u32>& attention) {
  state_ = state;
  interpreter_.StateChanged();
  (void)fence_.TakeTouched();
  u64 done = 0;
  while (done < limit && ExecuteOne()) {
    ++done;
    if (state_.activity != cpu::Activity::kRunning || attention.load() != 0 || KvmIsToDoNext()) {
      break;
    }
  }
  executed_ += done;
  state = state_;
  return done;
}

bool Rescue::ExecuteOne() {
  const std::atomic<u32> none{0};
  before_ = state_;
  (void)interpreter_.Run(1, none);
  if (!fence_.TakeTouched()) {
    return true;
  }
  state_ = before_;
  interpreter_.StateChanged();
  return false;
}

size_t Rescue::PeekCode(std::span<std::byte> bytes) {
  const u64 base = state_.In64BitMode() ? 0 : state_.Seg(cpu::SegReg::kCs).base;
  const u64 mask = state_.In64BitMode() ? ~u64{0} : 0xffffffff;
  for (size_t i = 0; i < bytes.size(); ++i) {
    Gpa at;
    if (!interpreter_.mmu().DebugTranslate(Gva((base + state_.rip + i) & mask), at)) {
      return i;
    }
    (void)interpreter_.mmu().view().DmaRead(at, bytes.subspan(i, 1));
  }
  return bytes.size();
}

bool Rescue::KvmIsToDoNext() {
  std::array<std::byte, kMaxLength> bytes;
  const size_t count = PeekCode(bytes);
  const auto code = std::span(bytes).first(count);
  const auto opcode = std::find_if(code.begin(), code.end(), [&](std::byte byte) {
    return !IsPrefix(static_cast<u8>(byte), state_.In64BitMode());
  });
  if (code.end() - opcode < 2 || *opcode == std::byte{kHlt}) {
    return true;
  }
  return *opcode == std::byte{kEscape} && IsSystemOpcode(static_cast<u8>(opcode[1]));
}

std::string Rescue::Describe(const cpu::CpuState& state) {
  state_ = state;
  interpreter_.StateChanged();
  std::array<std::byte, kMaxLength> bytes;
  const auto code = std::span(bytes).first(PeekCode(bytes));
  const u8 code_bits = state_.In64BitMode() ? 64 : state_.Seg(cpu::SegReg::kCs).is_big() ? 32 : 16;
  std::string text;
  for (const std::byte byte : code) {
    text += fmt::format("{:02x} ", static_cast<u8>(byte));
  }
  return text + "  " +
         cpu::Disassemble(cpu::DecodeModeOf(code_bits, state_.HasRealSegments(), model_), code,
                          state_.rip);
}

CpuidAnswer OurCpuid(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env) {
  struct Processor {
    Processor(devices::VcpuId id, const cpu::CpuModel& model, const VcpuEnv& env)
        : interpreter({state, model, env.memory, env.ports, &apic, env.clock, id}) {}
    cpu::CpuState state;
    FencedApic apic;  // enabled, as CPUID is to say
    cpu::Interpreter interpreter;
  };
  const auto processor = std::make_shared<Processor>(id, model, env);
  return [processor](u32 leaf, u32 subleaf) {
    return cpu::Cpuid(processor->interpreter.core(), leaf, subleaf);
  };
}

}  // namespace tandem::accel::kvm
