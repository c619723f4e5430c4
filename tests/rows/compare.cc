#include "tests/rows/compare.h"

#include <fmt/format.h>

#include <cstring>

namespace tandem::cpu {
namespace {

constexpr u64 kCompared = kArithFlags | kFlagDf | kFlagNt | kFlagAc | kFlagId;
constexpr u8 kPageFault = 14;
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
  std::string text = Line("fcw", wanted.fcw, is.fcw) + Line("fsw", wanted.fsw, is.fsw) +
                     Line("ftw", wanted.ftw, is.ftw) + Line("fip", wanted.fip, is.fip) +
                     Line("fdp", wanted.fdp, is.fdp) + Line("mxcsr", wanted.mxcsr, is.mxcsr);
  for (size_t i = 0; i < 8; ++i) {
    text += Array(fmt::format("st{}", i), wanted.st[i], is.st[i], 10);
  }
  return text;
}

// The part of the image that the x87 unit and MXCSR fill.
bool AreEqual(const FxImage& wanted, const FxImage& is) {
  if (wanted.fcw != is.fcw || wanted.fsw != is.fsw || wanted.ftw != is.ftw ||
      wanted.fip != is.fip || wanted.fdp != is.fdp || wanted.mxcsr != is.mxcsr) {
    return false;
  }
  for (size_t i = 0; i < 8; ++i) {
    if (std::memcmp(wanted.st[i], is.st[i], 10) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool AreEqual(const CpuState& wanted, const CpuState& is) {
  for (size_t i = 0; i < wanted.seg.size(); ++i) {
    if (wanted.seg[i].selector != is.seg[i].selector) {
      return false;
    }
  }
  return wanted.rip == is.rip && ((wanted.rflags ^ is.rflags) & kCompared) == 0 &&
         std::memcmp(wanted.gpr.data(), is.gpr.data(), 16 * sizeof(u64)) == 0 &&
         std::memcmp(&wanted.vec, &is.vec, sizeof(VectorState)) == 0 &&
         wanted.Seg(SegReg::kGs).base == is.Seg(SegReg::kGs).base && AreEqual(wanted.fx, is.fx);
}

std::string CompareStates(const CpuState& wanted, const CpuState& is) {
  std::string text = Line("rip", wanted.rip, is.rip) +
                     Line("rflags", wanted.rflags & kCompared, is.rflags & kCompared);
  for (size_t i = 0; i < 16; ++i) {
    text += Line(kNames[i], wanted.gpr[i], is.gpr[i]);
  }
  constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (size_t i = 0; i < 6; ++i) {
    text += Line(kSegments[i], wanted.seg[i].selector, is.seg[i].selector);
  }
  text += Line("gs_base", wanted.Seg(SegReg::kGs).base, is.Seg(SegReg::kGs).base);
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

std::string CompareExceptions(const Exceptions& wanted, u64 wanted_cr2, const Exceptions& is,
                              u64 cr2) {
  const auto text = [](const Exceptions& exception, u64 address) {
    if (!exception) {
      return std::string("no exception");
    }
    const std::string where =
        exception->vector == kPageFault ? fmt::format(" address {:#x}", address) : "";
    return fmt::format("exception {} error {:#x}{} at {:#x}", exception->vector,
                       exception->error_code, where, exception->rip);
  };
  const std::string wanted_text = text(wanted, wanted_cr2), is_text = text(is, cr2);
  return wanted_text == is_text ? "" : fmt::format("  {}, not {}\n", is_text, wanted_text);
}

}  // namespace tandem::cpu
