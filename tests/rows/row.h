#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/rows/machine.h"

namespace tandem::cpu {

// One assignment or expectation. Places: registers of all sizes (a 32-bit one stands for the whole
// register), xmm0, ymm0, zmm0, k0, mm0, st0, fcw, fsw, ftw, mxcsr, single flags (cf ...), data
// memory as a size letter and an offset (b0 w0 d0 q0 x0 y0 z0), rip, vec, err, cr0, cr2, cr4,
// gs_base, segment registers' selectors (es ...).
struct Item {
  std::string place;
  std::vector<u8> value;  // little-endian, at least 8 bytes; empty: "?", anything
};

// One line of a rows file: `[mode:] hex ; text | in | out`. Modes: 64 (or none) and k64, real, 16
// and 32 for protected mode, c16 and c32 for such code under long mode, which the host runs too.
struct Row {
  std::string file;
  int line = 0;
  MachineMode mode = MachineMode::kLong;
  bool is_privileged = false;  // mode "k64": CPL 0
  std::vector<u8> code;
  std::string text;
  std::vector<Item> in, out;

  const Item* FindOut(const std::string& place) const;
};

// All rows of a file; a line that cannot be read is reported in `errors`.
std::vector<Row> ReadRows(const std::string& path, std::vector<std::string>& errors);

// The bytes that a place names, in this state and data; empty: no such place, or a flag.
std::span<u8> BytesOf(const std::string& place, CpuState& state, std::span<std::byte> data);
// The RFLAGS bit that a place names.
std::optional<u64> FlagOf(const std::string& place);

// Applies the row's `in` to a machine that was reset.
void Prepare(const Row& row, Machine& machine);
// Compares with the row's `out`; what it does not mention must be as before. Text as in compare.h.
std::string Check(const Row& row, const CpuState& before, std::span<const std::byte> data_before,
                  CpuState& after, std::span<std::byte> data_after,
                  const std::optional<Machine::Exception>& exception);

}  // namespace tandem::cpu
