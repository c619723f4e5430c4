#include "tests/differential/row_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr std::pair<const char*, u64> kFlags[] = {{"cf", kFlagCf}, {"pf", kFlagPf}, {"af", kFlagAf},
                                                  {"zf", kFlagZf}, {"sf", kFlagSf}, {"of", kFlagOf},
                                                  {"df", kFlagDf}};

std::string Bytes(const u8* bytes, size_t size) {
  while (size > 1 && bytes[size - 1] == 0) {
    --size;
  }
  std::string text = "0x";
  for (size_t i = size; i-- > 0;) {
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

const char* ModePrefix(MachineMode mode) {
  return mode == MachineMode::kCompat32 ? "c32: " : mode == MachineMode::kCompat16 ? "c16: " : "";
}

// The code as a row has it. Whether it transfers control anywhere.
std::string CodeText(const Start& start, bool& transfers) {
  const DecodeMode mode{CodeBits(start.mode)};
  const Layout layout = LayoutOf(start.mode);
  std::string hex, text;
  for (const u8 byte : start.code) {
    hex += fmt::format("{:02x}", byte);
  }
  for (size_t at = 0; at < start.code.size();) {
    Inst inst;
    const auto bytes = std::as_bytes(std::span(start.code)).subspan(at);
    if (Decode(mode, bytes, inst) != DecodeStatus::kOk) {
      break;
    }
    transfers |= IsTransfer(inst.op);
    text +=
        (text.empty() ? "" : "; ") + Disassemble(mode, bytes, layout.code - layout.code_base + at);
    at = inst.op == Op::kInvalid ? start.code.size() : at + inst.length;
  }
  return fmt::format("{}{} ; {}", ModePrefix(start.mode), hex, text);
}

// Places whose values differ between two states, with those of the second one.
class Places {
 public:
  Places(MachineMode mode, const CpuState& from, const CpuState& to)
      : layout_(LayoutOf(mode)), from_(from), to_(to) {}

  std::string Text(u64 undefined) {
    AddGprs();
    AddVectors();
    AddX87();
    for (const auto& [name, flag] : kFlags) {
      if ((undefined & flag) != 0) {
        text_ += fmt::format(" {}=?", name);
      } else if (((from_.rflags ^ to_.rflags) & flag) != 0) {
        text_ += fmt::format(" {}={}", name, (to_.rflags & flag) != 0 ? 1 : 0);
      }
    }
    return std::move(text_);
  }

 private:
  void AddGprs();
  void AddVectors();
  void AddX87();
  void Add(const char* name, u64 from, u64 to) {
    text_ += from == to ? "" : fmt::format(" {}={}", name, Address(to));
  }
  std::string Address(u64 value) const {
    const i64 offset = static_cast<i64>(value - (layout_.data - layout_.data_base));
    return offset >= -0x1000 && offset < 0x4000 ? fmt::format("@{:+}", offset)
                                                : fmt::format("{:#x}", value);
  }

  const Layout layout_;
  const CpuState& from_;
  const CpuState& to_;
  std::string text_;
};

void Places::AddGprs() {
  for (size_t reg = 0; reg < 16; ++reg) {
    Add(kNames[reg], from_.gpr[reg], to_.gpr[reg]);
  }
  Add("gs_base", from_.Seg(SegReg::kGs).base, to_.Seg(SegReg::kGs).base);
  constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (size_t i = 0; i < from_.seg.size(); ++i) {
    Add(kSegments[i], from_.seg[i].selector, to_.seg[i].selector);
  }
}

void Places::AddVectors() {
  for (size_t reg = 0; reg < 32; ++reg) {
    const u8* const from = from_.vec.zmm[reg];
    const u8* const to = to_.vec.zmm[reg];
    if (std::memcmp(from, to, 64) == 0) {
      continue;
    }
    const auto differs_from = [&](size_t at) {
      return std::memcmp(from + at, to + at, 64 - at) != 0;
    };
    const bool is_zmm = reg >= 16 || differs_from(32);
    const size_t size = is_zmm ? 64 : differs_from(16) ? 32 : 16;
    text_ += fmt::format(" {}mm{}={}",
                         size == 64   ? "z"
                         : size == 32 ? "y"
                                      : "x",
                         reg, Bytes(to, size));
  }
  for (size_t reg = 0; reg < 8; ++reg) {
    Add(fmt::format("k{}", reg).c_str(), from_.vec.k[reg], to_.vec.k[reg]);
  }
}

void Places::AddX87() {
  Add("fcw", from_.fx.fcw, to_.fx.fcw);
  Add("fsw", from_.fx.fsw, to_.fx.fsw);
  Add("ftw", from_.fx.ftw, to_.fx.ftw);
  Add("mxcsr", from_.fx.mxcsr, to_.fx.mxcsr);
  for (size_t reg = 0; reg < 8; ++reg) {
    if (std::memcmp(from_.fx.st[reg], to_.fx.st[reg], 10) != 0) {
      text_ += fmt::format(" st{}={}", reg, Bytes(to_.fx.st[reg], 10));
    }
  }
}

std::string MemoryText(std::span<const std::byte> from, std::span<const std::byte> to) {
  std::string text;
  for (size_t at = 0; at < kDataSize; at += 8) {
    if (std::memcmp(&from[at], &to[at], 8) != 0) {
      text += fmt::format(" q{}={}", at, Bytes(reinterpret_cast<const u8*>(&to[at]), 8));
    }
  }
  return text;
}

std::string ExceptionText(const Machine::Exception& exception) {
  const u8 vector = exception.vector;
  const bool has_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
  return fmt::format(" vec={}", vector) +
         (has_code ? fmt::format(" err={:#x}", exception.error_code) : "");
}

}  // namespace

std::string RowText(const Start& start, const CpuState& reset, const Ending& host,
                    std::span<const std::byte> host_data, u64 undefined) {
  const std::vector<std::byte> zeros(kDataSize);
  bool transfers = false;
  std::string text = CodeText(start, transfers) + " |";
  text += Places(start.mode, reset, start.state).Text(0) + MemoryText(zeros, start.data);
  text += " |" + Places(start.mode, start.state, host.state).Text(undefined) +
          MemoryText(start.data, host_data);
  if (host.exception) {
    text += ExceptionText(*host.exception);
  } else if (transfers) {
    const Layout layout = LayoutOf(start.mode);
    const i64 offset = static_cast<i64>(host.state.rip - (layout.code - layout.code_base));
    text += fmt::format(" rip={:+}", offset);
  }
  return text;
}

}  // namespace tandem::cpu
