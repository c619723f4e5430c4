#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "tests/rows/row.h"

// What the items of a row mean.
namespace tandem::cpu {
namespace {

constexpr const char* kWide[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"};
constexpr const char* kLow[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
constexpr const char* kHigh[] = {"ah", "ch", "dh", "bh"};

template <typename T>
std::span<u8> Field(T& field) {
  return {reinterpret_cast<u8*>(&field), sizeof(field)};
}

std::span<u8> GprPlace(const std::string& place, CpuState& state) {
  u8* const base = reinterpret_cast<u8*>(state.gpr.data());
  for (size_t i = 0; i < 8; ++i) {
    const std::string wide = kWide[i];
    if (place == wide || place == "e" + wide.substr(1)) {
      return {base + i * 8, 8};
    }
    if (place == wide.substr(1)) {
      return {base + i * 8, 2};
    }
    if (place == kLow[i]) {
      return {base + i * 8, 1};
    }
    if (i < 4 && place == kHigh[i]) {
      return {base + i * 8 + 1, 1};
    }
  }
  if (place.size() >= 2 && place[0] == 'r' && std::isdigit(place[1]) != 0) {
    const size_t index = static_cast<size_t>(std::stoi(place.substr(1)));
    const size_t size = place.back() == 'b' ? 1 : place.back() == 'w' ? 2 : 8;
    return {base + index * 8, size};
  }
  return {};
}

std::span<u8> Unit(const std::string& place, CpuState& state) {
  if (place == "fcw") {
    return Field(state.fx.fcw);
  }
  if (place == "fsw") {
    return Field(state.fx.fsw);
  }
  if (place == "ftw") {
    return Field(state.fx.ftw);
  }
  if (place == "mxcsr") {
    return Field(state.fx.mxcsr);
  }
  if (place == "cr0" || place == "cr4") {
    return Field(place == "cr0" ? state.cr0 : state.cr4);
  }
  if (place == "cr2" || place == "gs_base") {
    return Field(place == "cr2" ? state.cr2 : state.Seg(SegReg::kGs).base);
  }
  return place == "rip" ? Field(state.rip) : std::span<u8>{};
}

// By its selector.
std::span<u8> SegmentPlace(const std::string& place, CpuState& state) {
  constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (size_t i = 0; i < std::size(kSegments); ++i) {
    if (place == kSegments[i]) {
      return Field(state.seg[i].selector);
    }
  }
  return {};
}

std::span<u8> Numbered(const std::string& place, CpuState& state, std::span<std::byte> data) {
  const size_t digit = place.find_first_of("0123456789");
  if (digit == std::string::npos || place.find_first_not_of("0123456789", digit) != place.npos) {
    return {};
  }
  const std::string kind = place.substr(0, digit);
  const size_t index = static_cast<size_t>(std::stoi(place.substr(digit)));
  if (kind == "xmm" || kind == "ymm" || kind == "zmm") {
    const size_t size = kind == "xmm" ? 16 : kind == "ymm" ? 32 : 64;
    return {state.vec.zmm[index % 32], size};
  }
  if (kind == "k") {
    return Field(state.vec.k[index % 8]);
  }
  if (kind == "mm" || kind == "st") {
    return {state.fx.st[index % 8], kind == "mm" ? size_t{8} : 10};
  }
  constexpr std::string_view kSizes = "bwdqxyz";
  const size_t size = kind.size() == 1 ? kSizes.find(kind[0]) : kSizes.npos;
  if (size == kSizes.npos || index + (size_t{1} << size) > data.size()) {
    return {};
  }
  return {reinterpret_cast<u8*>(data.data()) + index, size_t{1} << size};
}

u64 ValueOf(const Item& item) { return LoadLe<u64>(item.value.data()); }

bool Assign(const Item& item, CpuState& state, std::span<std::byte> data) {
  if (const auto flag = FlagOf(item.place)) {
    state.rflags = ValueOf(item) != 0 ? state.rflags | *flag : state.rflags & ~*flag;
    return true;
  }
  const std::span<u8> to = BytesOf(item.place, state, data);
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = i < item.value.size() ? item.value[i] : 0;
  }
  return !to.empty();
}

std::string Hex(std::span<const u8> bytes) {
  std::string text;
  for (size_t i = bytes.size(); i-- > 0;) {
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

// Overwrites in `expected` what may be anything with what is.
void Forgive(const Item& item, CpuState& expected, std::span<std::byte> expected_data,
             CpuState& after, std::span<std::byte> data) {
  if (const auto flag = FlagOf(item.place)) {
    expected.rflags = (expected.rflags & ~*flag) | (after.rflags & *flag);
    return;
  }
  const std::span<u8> from = BytesOf(item.place, after, data);
  const std::span<u8> to = BytesOf(item.place, expected, expected_data);
  std::copy(from.begin(), from.end(), to.begin());
}

std::string CheckException(const Row& row, const std::optional<Machine::Exception>& exception) {
  const Item* vector = row.FindOut("vec");
  if (!exception) {
    return vector == nullptr ? "" : "  no exception\n";
  }
  if (vector == nullptr || ValueOf(*vector) != exception->vector) {
    return fmt::format("  exception {} error {:#x}\n", exception->vector, exception->error_code);
  }
  const Item* error = row.FindOut("err");
  const bool equal = error == nullptr || ValueOf(*error) == exception->error_code;
  return equal ? "" : fmt::format("  error code {:#x}\n", exception->error_code);
}

std::string CheckRegisters(CpuState& expected, CpuState& after) {
  std::string text;
  for (size_t i = 0; i < 16; ++i) {
    if (expected.gpr[i] != after.gpr[i]) {
      const std::string name = i < 8 ? kWide[i] : fmt::format("r{}", i);
      text += fmt::format("  {} is {:#x}, not {:#x}\n", name, after.gpr[i], expected.gpr[i]);
    }
  }
  for (size_t i = 0; i < 32; ++i) {
    const std::span<const u8> is(after.vec.zmm[i]), wanted(expected.vec.zmm[i]);
    if (!std::equal(is.begin(), is.end(), wanted.begin())) {
      text += fmt::format("  zmm{} is {}, not {}\n", i, Hex(is), Hex(wanted));
    }
  }
  for (size_t i = 0; i < 8; ++i) {
    if (expected.vec.k[i] != after.vec.k[i]) {
      text += fmt::format("  k{} is {:#x}, not {:#x}\n", i, after.vec.k[i], expected.vec.k[i]);
    }
  }
  constexpr u64 kCompared = kArithFlags | kFlagDf;
  if (((expected.rflags ^ after.rflags) & kCompared) != 0) {
    text += fmt::format("  rflags is {:#x}, not {:#x}\n", after.rflags & kCompared,
                        expected.rflags & kCompared);
  }
  return text;
}

}  // namespace

std::optional<u64> FlagOf(const std::string& place) {
  static constexpr std::pair<const char*, u64> kFlags[] = {
      {"cf", kFlagCf}, {"pf", kFlagPf}, {"af", kFlagAf}, {"zf", kFlagZf},
      {"sf", kFlagSf}, {"of", kFlagOf}, {"df", kFlagDf}, {"if", kFlagIf}};
  for (const auto& [name, bit] : kFlags) {
    if (place == name) {
      return bit;
    }
  }
  return std::nullopt;
}

std::span<u8> BytesOf(const std::string& place, CpuState& state, std::span<std::byte> data) {
  if (const std::span<u8> gpr = GprPlace(place, state); !gpr.empty()) {
    return gpr;
  }
  if (const std::span<u8> selector = SegmentPlace(place, state); !selector.empty()) {
    return selector;
  }
  const std::span<u8> unit = Unit(place, state);
  return unit.empty() ? Numbered(place, state, data) : unit;
}

void Prepare(const Row& row, Machine& machine) {
  machine.Reset();
  if (row.is_privileged) {
    machine.SetPrivilege(0);
  }
  for (const Item& item : row.in) {
    CHECK(Assign(item, machine.state(), machine.data()));
  }
}

std::string Check(const Row& row, const CpuState& before, std::span<const std::byte> data_before,
                  CpuState& after, std::span<std::byte> data_after,
                  const std::optional<Machine::Exception>& exception) {
  std::string text = CheckException(row, exception);
  CpuState expected = before;
  std::vector<std::byte> data(data_before.begin(), data_before.end());
  for (const Item& item : row.out) {
    if (item.place == "vec" || item.place == "err") {
      continue;
    }
    if (item.value.empty()) {
      Forgive(item, expected, data, after, data_after);
    } else if (!Assign(item, expected, data)) {
      text += "  no such place: " + item.place + "\n";
    }
  }
  text += CheckRegisters(expected, after);
  for (const Item& item : row.out) {
    const std::span<u8> is = BytesOf(item.place, after, data_after);
    const std::span<u8> wanted = BytesOf(item.place, expected, data);
    if (!is.empty() && !std::equal(is.begin(), is.end(), wanted.begin())) {
      text += fmt::format("  {} is {}, not {}\n", item.place, Hex(is), Hex(wanted));
    }
  }
  const auto differs = std::mismatch(data.begin(), data.end(), data_after.begin());
  if (differs.first != data.end()) {
    text += fmt::format("  memory at {} is {:#04x}\n", differs.first - data.begin(),
                        static_cast<u8>(*differs.second));
  }
  return text;
}

}  // namespace tandem::cpu
