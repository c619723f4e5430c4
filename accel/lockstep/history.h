#pragma once

#include <array>
#include <string>

#include "cpu/state/cpu_model.h"
#include "cpu/state/cpu_state.h"
#include "devices/bus/flat_view.h"

namespace tandem::accel::lockstep {

// How code is understood, and where it lies.
struct CodeMode {
  explicit CodeMode(const cpu::CpuState& state);
  CodeMode() = default;

  u64 LinearOf(u64 rip) const { return bits == 64 ? rip : (base + rip) & 0xffffffff; }

  u64 base = 0;  // of CS
  u16 cs = 0;
  u8 bits = 64;
  bool is_real = false;
};

// Reads and disassembles guest code as a state has it mapped.
class CodeReader {
 public:
  CodeReader(const cpu::CpuState& state, const cpu::CpuModel& model, const devices::FlatView& view)
      : CodeReader(state, CodeMode(state), model, view) {}
  // Of another mode than the state's.
  CodeReader(const cpu::CpuState& state, const CodeMode& mode, const cpu::CpuModel& model,
             const devices::FlatView& view)
      : state_(state), mode_(mode), model_(model), view_(view) {}
  CodeReader In(const CodeMode& mode) const { return {state_, mode, model_, view_}; }

  // "0010:ffffffff81000000  sbb eax, eax".
  std::string InstructionAt(u64 rip) const;
  // It and those behind it, until so many.
  std::string InstructionsAt(u64 rip, size_t count) const;
  // How long it is; 0: it cannot be read.
  u64 LengthAt(u64 rip) const;
  // Whether it is a string instruction with a repeat prefix.
  bool IsRepeatedAt(u64 rip) const;

 private:
  size_t Read(u64 rip, std::span<std::byte> bytes) const;

  const cpu::CpuState& state_;
  const CodeMode mode_;
  const cpu::CpuModel& model_;
  const devices::FlatView& view_;
};

// The last places at which the engines agreed.
class History {
 public:
  struct Place {
    u64 rip = 0;
    u64 instructions = 0;  // the replica's, until then
    CodeMode mode;
    bool is_event = false;  // an interrupt, a fault or an exit rather than a leader
  };
  static constexpr size_t kPlaces = 20;

  void Add(const Place& place) { places_[count_++ % kPlaces] = place; }
  // Oldest first, a line each, with the code that stands there.
  std::string Text(const CodeReader& reader) const;

 private:
  std::array<Place, kPlaces> places_{};
  u64 count_ = 0;
};

}  // namespace tandem::accel::lockstep
