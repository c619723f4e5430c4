#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "base/bits.h"
#include "cpu/event/segment.h"
#include "cpu/exec/step.h"

// How executors reach their operands. All that can fault return false after setting Core::fault.
namespace tandem::cpu {

// Emitted by Step: registers by their offset in CpuState; the RIP slot follows the zero register.
static_assert(offsetof(CpuState, gpr) == 0 && offsetof(CpuState, rip) == kRipRegister * 8);

template <typename T>
T ReadReg(const Core& core, u16 offset) {
  return LoadLe<T>(reinterpret_cast<const std::byte*>(&core.state) + offset);
}

// Writing 32 bits clears the upper half; 8 and 16 bits leave the rest alone.
template <typename T>
void WriteReg(Core& core, u16 offset, T value) {
  std::byte* to = reinterpret_cast<std::byte*>(&core.state) + offset;
  if constexpr (sizeof(T) == 4) {
    StoreLe<u64>(to, value);
  } else {
    StoreLe<T>(to, value);
  }
}

// The offset part of the memory operand, cut to the address size.
inline u64 EffectiveAddress(const Core& core, const Step& step) {
  const u64 address = ReadReg<u64>(core, step.base) +
                      (ReadReg<u64>(core, step.index) << step.scale) +
                      static_cast<u64>(step.displacement);
  return address & (~u64{0} >> step.address_shift);
}

// An address in a segment after limit and type checks.
bool LinearChecked(Core& core, SegReg segment, u64 offset, u32 size, AccessKind kind, Gva& linear);

inline Gva Linear(const Core& core, SegReg segment, u64 offset) {
  return Gva((core.segment_base[static_cast<size_t>(segment)] + offset) & core.linear_mask);
}

// Limit and type of the operand's segment.
bool CheckMemory(Core& core, const Step& step, u64 offset, u32 size, AccessKind kind);

inline bool MemoryAddress(Core& core, const Step& step, u32 size, AccessKind kind, Gva& linear) {
  const u64 offset = EffectiveAddress(core, step);
  if (step.check_segment) [[unlikely]] {
    if (!CheckMemory(core, step, offset, size, kind)) {
      return false;
    }
  }
  linear = Linear(core, step.segment, offset);
  return true;
}

// A non-canonical address is #SS(0) where the access goes through SS.
bool MemoryFault(Core& core, SegReg segment, Fault fault);

// What the TLB does not answer at once. Loads leave their bytes in Core::loaded: values of the fast
// path can then stay in registers.
bool LoadSlow(Core& core, SegReg segment, Gva linear, u32 size);
bool StoreSlow(Core& core, SegReg segment, Gva linear, std::span<const std::byte> bytes);

template <typename T>
[[gnu::always_inline]] inline bool LoadAt(Core& core, SegReg segment, Gva linear, T& value) {
  const std::byte* from = core.mmu.TryRead(linear, sizeof(T));
  if (from == nullptr) [[unlikely]] {
    if (!LoadSlow(core, segment, linear, sizeof(T))) {
      return false;
    }
    from = core.loaded.data();
  }
  std::memcpy(&value, from, sizeof(T));
  return true;
}

template <typename T>
[[gnu::noinline]] bool StoreAtSlow(Core& core, SegReg segment, Gva linear, T value) {
  return StoreSlow(core, segment, linear, std::as_bytes(std::span(&value, 1)));
}

template <typename T>
[[gnu::always_inline]] inline bool StoreAt(Core& core, SegReg segment, Gva linear, const T& value) {
  if (std::byte* to = core.mmu.TryWrite(linear, sizeof(T))) [[likely]] {
    std::memcpy(to, &value, sizeof(T));
    return true;
  }
  return StoreAtSlow<T>(core, segment, linear, value);
}

template <typename T>
[[gnu::always_inline]] inline bool LoadMemory(Core& core, const Step& step, T& value) {
  Gva linear;
  return MemoryAddress(core, step, sizeof(T), AccessKind::kRead, linear) &&
         LoadAt(core, step.segment, linear, value);
}

template <typename T>
[[gnu::always_inline]] inline bool StoreMemory(Core& core, const Step& step, const T& value) {
  Gva linear;
  return MemoryAddress(core, step, sizeof(T), AccessKind::kWrite, linear) &&
         StoreAt(core, step.segment, linear, value);
}

// Memory that is read and then written by one instruction. Faults are those of the write.
template <typename T>
class MemoryUpdate {
 public:
  MemoryUpdate() = default;
  MemoryUpdate(const MemoryUpdate&) = delete;
  MemoryUpdate& operator=(const MemoryUpdate&) = delete;
  ~MemoryUpdate() {
    if (must_report_to_ != nullptr) [[unlikely]] {
      must_report_to_->ReportUpdate(linear_, sizeof(T));
    }
  }

  // False: a fault. value() is then undefined.
  bool Begin(Core& core, const Step& step) {
    return MemoryAddress(core, step, sizeof(T), AccessKind::kWrite, linear_) &&
           BeginAt(core, step.segment, linear_);
  }
  bool BeginAt(Core& core, SegReg segment, Gva linear) {
    linear_ = linear;
    segment_ = segment;
    host_ = core.mmu.TryWrite(linear, sizeof(T));
    if (host_ == nullptr) [[unlikely]] {
      return BeginSlow(core);
    }
    std::memcpy(&value_, host_, sizeof(T));
    return true;
  }
  T value() const { return value_; }
  // Where an atomic operation can work in place; null: Begin has read, Commit writes.
  T* host() const { return reinterpret_cast<T*>(host_); }
  bool Commit(Core& core, T value) {
    if (host_ != nullptr) [[likely]] {
      std::memcpy(host_, &value, sizeof(T));
      return true;
    }
    return StoreAt(core, segment_, linear_, value);
  }

 private:
  bool BeginSlow(Core& core) {
    bool must_report = false;
    if (const Fault fault = core.mmu.PinForUpdate(linear_, sizeof(T), host_, must_report)) {
      return MemoryFault(core, segment_, fault);
    }
    must_report_to_ = must_report ? &core.mmu : nullptr;
    if (host_ == nullptr) {
      return LoadAt(core, segment_, linear_, value_);
    }
    std::memcpy(&value_, host_, sizeof(T));
    return true;
  }

  Gva linear_;
  SegReg segment_{};
  std::byte* host_ = nullptr;
  Mmu* must_report_to_ = nullptr;
  T value_{};
};

// Picks F::Run<T> for an operand size in bytes.
template <typename F>
ExecFn BySize(u32 size) {
  switch (size) {
    case 1:
      return &F::template Run<u8>;
    case 2:
      return &F::template Run<u16>;
    case 4:
      return &F::template Run<u32>;
    default:
      return &F::template Run<u64>;
  }
}

// For instructions without a byte form.
template <typename F>
ExecFn ByWideSize(u32 size) {
  return size == 2   ? &F::template Run<u16>
         : size == 4 ? &F::template Run<u32>
                     : &F::template Run<u64>;
}

// The forms of a two-operand instruction.
enum class Form : u8 { kRegReg, kRegMem, kMemReg, kRegImm, kMemImm };

inline Form FormOf(const Inst& inst) {
  const Operand& dst = inst.operands[0];
  const Operand& src = inst.operands[1];
  if (dst.IsMemory()) {
    return src.kind == OperandKind::kImmediate ? Form::kMemImm : Form::kMemReg;
  }
  return src.IsMemory()                        ? Form::kRegMem
         : src.kind == OperandKind::kImmediate ? Form::kRegImm
                                               : Form::kRegReg;
}

// Reads the source of a two-operand form whose destination is a register.
template <typename T, Form kForm>
bool ReadSource(Core& core, const Step& step, T& value) {
  if constexpr (kForm == Form::kRegMem) {
    return LoadMemory(core, step, value);
  } else if constexpr (kForm == Form::kRegImm || kForm == Form::kMemImm) {
    value = static_cast<T>(step.immediate);
  } else {
    value = ReadReg<T>(core, step.src);
  }
  return true;
}

}  // namespace tandem::cpu
