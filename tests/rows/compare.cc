#include "tests/rows/compare.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstring>

namespace tandem::cpu {
namespace {

constexpr u64 kCompared = kArithFlags | kFlagDf;
constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string Line(const std::string& what, u64 native, u64 interpreter) {
  if (native == interpreter) {
    return {};
  }
  return fmt::format("  {}: native {:#x}, interpreter {:#x}\n", what, native, interpreter);
}

std::string Hex(const u8* bytes, size_t count) {
  std::string text;
  for (size_t i = count; i-- > 0;) {
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

std::string Array(const std::string& what, const u8* native, const u8* interpreter, size_t count) {
  if (std::memcmp(native, interpreter, count) == 0) {
    return {};
  }
  return fmt::format("  {}: native {}, interpreter {}\n", what, Hex(native, count),
                     Hex(interpreter, count));
}

std::string CompareX87(const FxImage& native, const FxImage& interpreter) {
  std::string text =
      Line("fcw", native.fcw, interpreter.fcw) + Line("fsw", native.fsw, interpreter.fsw) +
      Line("ftw", native.ftw, interpreter.ftw) + Line("fip", native.fip, interpreter.fip) +
      Line("fdp", native.fdp, interpreter.fdp) + Line("mxcsr", native.mxcsr, interpreter.mxcsr);
  for (size_t i = 0; i < 8; ++i) {
    text += Array(fmt::format("st{}", i), native.st[i], interpreter.st[i], 10);
  }
  return text;
}

}  // namespace

std::string CompareStates(const CpuState& native, const CpuState& interpreter) {
  std::string text = Line("rip", native.rip, interpreter.rip) +
                     Line("rflags", native.rflags & kCompared, interpreter.rflags & kCompared);
  for (size_t i = 0; i < 16; ++i) {
    text += Line(kNames[i], native.gpr[i], interpreter.gpr[i]);
  }
  for (size_t i = 0; i < 32; ++i) {
    text += Array(fmt::format("zmm{}", i), native.vec.zmm[i], interpreter.vec.zmm[i], 64);
  }
  for (size_t i = 0; i < 8; ++i) {
    text += Line(fmt::format("k{}", i), native.vec.k[i], interpreter.vec.k[i]);
  }
  return text + CompareX87(native.fx, interpreter.fx);
}

std::string CompareBytes(const char* what, std::span<const std::byte> native,
                         std::span<const std::byte> interpreter) {
  for (size_t i = 0; i < native.size(); ++i) {
    if (native[i] != interpreter[i]) {
      return fmt::format("  {} byte {}: native {:#04x}, interpreter {:#04x}\n", what, i,
                         static_cast<u8>(native[i]), static_cast<u8>(interpreter[i]));
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
