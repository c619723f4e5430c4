#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "cpu/exec/block_cache.h"
#include "cpu/exec/step.h"

namespace tandem::cpu {

// The reference engine: runs every instruction in every mode. vCPU thread only.
class Interpreter {
 public:
  struct Parts {
    CpuState& state;
    const CpuModel& model;
    devices::AddressSpace& memory;
    devices::AddressSpace& ports;
    devices::LocalApic* apic;  // may be null
    devices::Clock& clock;
    devices::VcpuId id;
    TlbStorage* tlb = nullptr;  // null: the interpreter has its own
  };

  // Everything in parts outlives the interpreter.
  explicit Interpreter(const Parts& parts);
  ~Interpreter();

  // Executes until at least one of: `budget` instructions are done, attention is not zero (and no
  // interrupt shadow is open), the processor halts or shuts down. Returns the number executed.
  u64 Run(u64 budget, const std::atomic<u32>& attention);

  // Run also returns as soon as interrupts can be taken (IF set, no shadow).
  void SetWindowWanted(bool wanted) { window_wanted_ = wanted; }

  // For an engine that runs translated code and leaves single instructions to this one.
  // Executes one instruction with everything that can happen around it.
  void ExecuteOne();
  // Executes the instruction at state.rip, decoded before; not while NeedsSingleStep. kNext or kEnd:
  // it is done and state.rip that of the one behind it. kAgain: a repetition is to go on.
  Flow ExecuteBound(const Step& step);
  // Delivers an exception at state.rip.
  void Raise(const Fault& fault) { Deliver(fault); }
  // Trap flag, breakpoints or an interrupt shadow: only ExecuteOne is right.
  bool NeedsSingleStep() const;
  // attention or a wanted window asks for a return, and no shadow forbids it.
  bool MustReturn(u32 attention) const;

  // Between instructions: takes an event. The caller has checked that it may be delivered.
  void TakeInterrupt(u8 vector);
  void TakeNmi();

  // CpuState was changed from outside (reset, load, debugger).
  void StateChanged();
  // Likewise, but page tables and all that is mapped stayed as they were.
  void RegistersChanged() { RefreshMode(); }

  Mmu& mmu() { return mmu_; }
  Core& core() { return core_; }

 private:
  struct JumpEntry {
    u64 linear = ~u64{0};
    u64 validity = ~u64{0};
    u32 mode_key = 0;
    Block* block = nullptr;
    const std::byte* host = nullptr;
  };
  static constexpr size_t kJumpEntries = 4096;

  BlockMode CurrentMode() const;
  void RefreshMode();
  u64 Validity() const { return mmu_.generation() + cache_.epoch(); }

  // The block at state.rip; null after a fault was delivered. from: where execution comes from.
  Block* FindBlock(BlockMode mode, Block* from = nullptr);
  Block* FindByAddress(BlockMode mode, u64 linear, const std::byte*& host);
  Block* FindBlockSlow(BlockMode mode, u64 linear, JumpEntry& entry);
  Fault LookUp(BlockMode mode, u64 linear, Block*& block, const std::byte*& host);
  Fault ReadNextPage(u64 linear, std::array<std::byte, 15>& bytes, size_t& count);
  bool Matches(const Block& block, const std::byte* host, std::span<const std::byte> next) const;

  // Both return the number of instructions completed.
  u64 RunBlock(const Block& block);
  u64 RunOrStep(const Block& block, u64 budget);
  u64 StepOne();
  void Leave(Flow flow, const Step& step);
  bool DeliverTraps();
  void Deliver(const Fault& fault);

  BlockCache cache_;
  std::unique_ptr<TlbStorage> own_tlb_;
  Mmu mmu_;
  Core core_;
  std::unique_ptr<HostThunks> thunks_;
  BlockMode mode_;
  bool window_wanted_ = false;
  Flow last_flow_ = Flow::kNext;
  std::array<JumpEntry, kJumpEntries> jumps_{};
};

}  // namespace tandem::cpu
