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

enum class MachineMode : u8 { kReal, kProtected16, kProtected32, kLong };
// kRegions and kRegionsWithTlb: the translator makes all code into regions, as it does with hot loops.
enum class EngineKind : u8 { kInterpreter, kTranslator, kRegions, kRegionsWithTlb };
inline constexpr std::array kTranslators = {EngineKind::kTranslator, EngineKind::kRegions,
                                            EngineKind::kRegionsWithTlb};

// Where a test's code, data and stack lie, all linear and physical. Long mode has a hole of
// unmapped pages behind the data.
struct Layout {
  u64 code = 0;
  u64 data = 0;
  u64 stack = 0;  // initial RSP; data of the stack lies below and above it
};
inline constexpr Layout kLongLayout{0x10000000, 0x10010000, 0x10022000};
inline constexpr Layout kLowLayout{0x4000, 0x8000, 0x7800};
inline constexpr u64 kDataSize = 0x2000;

constexpr Layout LayoutOf(MachineMode mode) {
  return mode == MachineMode::kLong ? kLongLayout : kLowLayout;
}

// A processor with a little memory, for tests that run a few instructions. Each exception's handler
// is a HLT of its own; in long mode it has its own stack, so that the tested code's stays as it is.
// HLTs surround the tested code, too: there translated code ends, which cannot count.
class Machine {
 public:
  struct Exception {
    u8 vector = 0;
    u32 error_code = 0;
    u64 rip = 0;     // of the instruction, long mode only
    u64 rflags = 0;  // pushed image, long mode only
  };

  explicit Machine(MachineMode mode, EngineKind kind = EngineKind::kInterpreter);

  // Power-on values, then the mode's: CPL 3 in long mode, else 0; all units usable.
  void Reset();
  void SetPrivilege(u8 cpl);  // long mode
  void PutCode(std::span<const u8> code);

  // Runs `count` instructions from the start of the code, or up to an exception. The registers in
  // state() are then those at the exception (but for RIP, RSP and RFLAGS in long mode, taken from
  // the handler's frame). The translator goes on to the first HLT instead.
  std::optional<Exception> Run(u64 count);
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
  // wrong page shows. For these only Read and Write know where a linear address lies.
  void ScatterPages() { is_scattered_ = true; }
  std::vector<std::byte> Read(u64 linear, u64 length);
  void Write(u64 linear, std::span<const std::byte> bytes);

  static constexpr u64 kGdt = 0x10000, kIdt = 0x11000, kTss = 0x12000, kHandlers = 0xb000;
  static constexpr u64 kPageTable = 0x18000;  // 4 KiB pages from 0x10000000

 private:
  void BuildTables();
  void BuildPaging();
  void EnterMode();
  void RunTranslated();
  u64 PhysicalOf(u64 linear) const;
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
};

}  // namespace tandem::cpu
