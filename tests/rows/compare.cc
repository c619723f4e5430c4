#include "tests/rows/compare.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstring>

namespace tandem::cpu {
namespace {

constexpr u64 kCompared = kArithFlags | kFlagDf;
constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string Line(const std::string& what, u64 wanted, u64 is) {
  if (wanted == is) {
    return {};
  }
  return fmt::format("  {}: {:#x}, not {:#x}\n", what, is, wanted);
}

std::string Hex(const u8* bytes, size_t count) {
  std::string text;
  for (size_t i = count; i-- > 0;) {
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

std::string Array(const std::string& what, const u8* wanted, const u8* is, size_t count) {
  if (std::memcmp(wanted, is, count) == 0) {
    return {};
  }
  return fmt::format("  {}: {}, not {}\n", what, Hex(is, count), Hex(wanted, count));
}

std::string CompareX87(const FxImage& wanted, const FxImage& is) {
  std::string text =
      Line("fcw", wanted.fcw, is.fcw) + Line("fsw", wanted.fsw, is.fsw) +
      Line("ftw", wanted.ftw, is.ftw) + Line("fip", wanted.fip, is.fip) +
      Line("fdp", wanted.fdp, is.fdp) + Line("mxcsr", wanted.mxcsr, is.mxcsr);
  for (size_t i = 0; i < 8; ++i) {
    text += Array(fmt::format("st{}", i), wanted.st[i], is.st[i], 10);
  }
  return text;
}

}  // namespace

std::string CompareStates(const CpuState& wanted, const CpuState& is) {
  std::string text = Line("rip", wanted.rip, is.rip) +
                     Line("rflags", wanted.rflags & kCompared, is.rflags & kCompared);
  for (size_t i = 0; i < 16; ++i) {
    text += Line(kNames[i], wanted.gpr[i], is.gpr[i]);
  }
  for (size_t i = 0; i < 32; ++i) {
    text += Array(fmt::format("zmm{}", i), wanted.vec.zmm[i], is.vec.zmm[i], 64);
  }
  for (size_t i = 0; i < 8; ++i) {
    text += Line(fmt::format("k{}", i), wanted.vec.k[i], is.vec.k[i]);
  }
  return text + CompareX87(wanted.fx, is.fx);
}

std::string CompareBytes(const char* what, std::span<const std::byte> wanted,
                         std::span<const std::byte> is) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != is[i]) {
      return fmt::format("  {} byte {}: {:#04x}, not {:#04x}\n", what, i, static_cast<u8>(is[i]),
                         static_cast<u8>(wanted[i]));
    }
  }
  return {};
}

bool SignalMatches(int signal, u8 vector) {
  switch (signal) {
    case 0:
      return false;
    case SIGFPE:
      return vector == 0 || vector == 16 || vector == 19;
    case SIGILL:
      return vector == 6;
    case SIGTRAP:
      return vector == 1 || vector == 3;
    case SIGBUS:
      return vector == 12 || vector == 17;
    default:
      return vector == 4 || vector == 5 || (vector >= 10 && vector <= 14);
  }
}

}  // namespace tandem::cpu
