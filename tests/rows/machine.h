#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cpu/exec/interpreter.h"
#include "devices/bus/instruction_clock.h"
#include "jit/engine/engine.h"

namespace tandem::cpu {

class KvmEngine;

// kCompat32 and kCompat16: under a 64-bit system at CPL 3, as the host itself can run it.
enum class MachineMode : u8 { kReal, kProtected16, kProtected32, kLong, kCompat32, kCompat16 };
constexpr bool IsUnderLongMode(MachineMode mode) { return mode >= MachineMode::kLong; }
constexpr u8 CodeBits(MachineMode mode) {
  return mode == MachineMode::kLong                                            ? 64
         : mode == MachineMode::kProtected32 || mode == MachineMode::kCompat32 ? 32
                                                                               : 16;
}
// kRegions and kRegionsWithTlb: the translator makes all code into regions, as it does with hot
// loops. kPrecise and kPreciseRegions: with precise-flags=on. kKvm: where KvmEngine finds one.
enum class EngineKind : u8 {
  kInterpreter,
  kTranslator,
  kRegions,
  kRegionsWithTlb,
  kPrecise,
  kPreciseRegions,
  kKvm
};
inline constexpr std::array kTranslators = {EngineKind::kTranslator, EngineKind::kRegions,
                                            EngineKind::kRegionsWithTlb, EngineKind::kPrecise,
                                            EngineKind::kPreciseRegions};
// Whether arithmetic flags are right at a fault even if the code behind overwrites them.
constexpr bool HasPreciseFlags(EngineKind kind) {
  return kind == EngineKind::kInterpreter || kind == EngineKind::kPrecise ||
         kind == EngineKind::kPreciseRegions || kind == EngineKind::kKvm;
}

// Where a test's code, data and stack lie, all linear and physical. Long mode has holes of
// unmapped pages around data and stack.
struct Layout {
  u64 code = 0;
  u64 data = 0;
  u64 stack = 0;                     // initial RSP; data of the stack lies below and above it
  u64 code_base = 0, data_base = 0;  // of CS, and of the other segments
};
inline constexpr Layout kLongLayout{0x10000000, 0x10010000, 0x1001a000};
inline constexpr Layout kCompat16Layout{0x10000000, 0x10010000, 0x1001a000, 0x10000000, 0x1000c000};
inline constexpr Layout kLowLayout{0x4000, 0x8000, 0x7800};
inline constexpr u64 kDataSize = 0x2000;
inline constexpr u64 kStackStart = kLongLayout.stack - 0x2000, kStackSize = 0x4000;
// Selectors of user code and data: those of Linux, so that they look the same on the host.
inline constexpr u16 kUserCode32 = 0x23, kUserData = 0x2b, kUserCode64 = 0x33;
inline constexpr u16 kUserCode16 = 0x07, kUserData16 = 0x0f;  // in the LDT

constexpr Layout LayoutOf(MachineMode mode) {
  return mode == MachineMode::kCompat16 ? kCompat16Layout
         : IsUnderLongMode(mode)        ? kLongLayout
                                        : kLowLayout;
}

// A processor with a little memory, for tests that run a few instructions. Each exception's handler
// is a HLT of its own; in long mode it has its own stack, so that the tested code's stays as it is.
// HLTs surround the tested code, too: there translated code ends, which cannot count.
class Machine {
 public:
  // Stands for an exception's vector where KVM came to no HLT; standard error says why.
  static constexpr u8 kNoEnd = 255;
  struct Exception {
    u8 vector = 0;
    u32 error_code = 0;
    u64 rip = 0;     // of the instruction, under long mode only
    u64 rflags = 0;  // pushed image, under long mode only
  };

  explicit Machine(MachineMode mode, EngineKind kind = EngineKind::kInterpreter);
  ~Machine();

  // Power-on values, then the mode's: CPL 3 in long mode, else 0; all units usable.
  void Reset();
  void SetPrivilege(u8 cpl);  // long mode
  void PutCode(std::span<const u8> code);

  // Runs `count` instructions from the start of the code, or up to an exception. The registers in
  // state() are then those at the exception (but for RIP, RSP and RFLAGS in long mode, taken from
  // the handler's frame). The translator and KVM go on to the first HLT instead.
  std::optional<Exception> Run(u64 count);
  // Before RunAgain: code was written since the last run.
  void ForgetCode();
  // As RunToEnd, after only registers and data were changed since the last run or ForgetCode.
  std::optional<Exception> RunAgain(const CpuState& start, u64 max_count);
  // From the start of the code to the first HLT that is not its own, or an exception; on the
  // interpreter at most max_count instructions.
  std::optional<Exception> RunToEnd(u64 max_count);

  CpuState& state() { return state_; }
  EngineKind kind() const { return kind_; }
  MachineMode mode() const { return mode_; }
  Layout layout() const { return LayoutOf(mode_); }
  Interpreter& interpreter() { return *interpreter_; }
  devices::AddressSpace& memory() { return memory_; }
  devices::AddressSpace& ports() { return ports_; }
  CpuModel& model() { return model_; }
  // Host bytes of physical memory; address in the low or the long region.
  std::byte* At(u64 address);
  std::span<std::byte> data() { return {At(layout().data), kDataSize}; }
  // Long mode: neighbouring pages of data and stack change places in physical memory, so that a
  // wrong page shows. For these only Read and Write know where a linear address lies. Code cannot
  // be written then, as on the host.
  void ScatterPages() { is_scattered_ = true; }
  std::vector<std::byte> Read(u64 linear, u64 length);
  void Write(u64 linear, std::span<const std::byte> bytes);
  std::byte* AtLinear(u64 linear) { return At(PhysicalOf(linear)); }

  // Physical. Under long mode linear addresses lie kSystemBase higher, so that nothing is where
  // user code of the host finds nothing.
  static constexpr u64 kSystemBase = 0xffff900000000000;
  static constexpr u64 kGdt = 0x10000, kIdt = 0x11000, kTss = 0x12000, kHandlers = 0xb000;
  static constexpr u64 kPageTable = 0x18000;  // 4 KiB pages from 0x10000000

 private:
  void BuildTables();
  void BuildPaging();
  void EnterMode();
  void EnterCompatibility();
  std::optional<Exception> RunEngine(u64 count);
  std::optional<Exception> RunKvm();
  u64 PhysicalOf(u64 linear) const;
  u64 system_base() const { return IsUnderLongMode(mode_) ? kSystemBase : 0; }
  std::optional<Exception> TakeException();
  std::optional<Exception> EndAtHlt(std::optional<Exception> exception);
  Exception TakeFrame(u8 vector);

  const MachineMode mode_;
  const EngineKind kind_;
  const std::unique_ptr<jit::VcpuContext> context_;
  CpuState& state_;
  CpuModel model_;
  size_t code_size_ = 0;
  bool is_scattered_ = false;
  devices::AddressSpace memory_;
  devices::AddressSpace ports_;
  devices::InstructionClock clock_{0};
  std::shared_ptr<devices::RamBlock> low_;
  std::shared_ptr<devices::RamBlock> high_;
  std::unique_ptr<Interpreter> interpreter_;
  std::unique_ptr<jit::SharedCode> shared_;
  std::unique_ptr<jit::Engine> engine_;
  std::unique_ptr<KvmEngine> kvm_;
};

}  // namespace tandem::cpu
