#include <sys/auxv.h>

#include <cstring>
#include <vector>

#include "base/bits.h"
#include "base/check.h"
#include "tests/rows/machine.h"
#include "tests/rows/native_area.h"

namespace tandem::cpu {
namespace {

using Code = std::vector<u8>;

constexpr u64 kHwcap2Fsgsbase = 2;

bool HasAvx512() { return __builtin_cpu_supports("avx512bw") != 0; }
bool HasGsBase() { return (::getauxval(AT_HWCAP2) & kHwcap2Fsgsbase) != 0; }

void Put32(Code& out, u64 value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<u8>(value >> shift));
  }
}

void Put(Code& out, std::initializer_list<u8> bytes) { out.insert(out.end(), bytes); }

// prefix bytes, opcode, then an operand [disp32] without base.
void Absolute(Code& out, std::initializer_list<u8> opcode, u8 reg, u64 address) {
  Put(out, opcode);
  Put(out, {static_cast<u8>(0x04 | ((reg & 7) << 3)), 0x25});
  Put32(out, address);
}

#define AREA(field) (kNativeArea + offsetof(NativeArea, field))

void MoveGprs(Code& out, bool load) {
  for (u8 reg = 0; reg < 16; ++reg) {
    const u8 rex = reg >= 8 ? 0x4c : 0x48;
    Absolute(out, {rex, static_cast<u8>(load ? 0x8b : 0x89)}, reg, AREA(gpr) + reg * 8u);
  }
}

void MoveVectors(Code& out, bool load) {
  const u8 opcode = load ? 0x10 : 0x11;
  for (u8 reg = 0; HasAvx512() && reg < 32; ++reg) {  // VMOVUPS zmm
    const u8 evex = static_cast<u8>(0x61 | (Bit(reg, 3) ? 0 : 0x80) | (reg < 16 ? 0x10 : 0));
    Absolute(out, {0x62, evex, 0x7c, 0x48, opcode}, reg, AREA(vec.zmm) + reg * 64u);
  }
  for (u8 reg = 0; HasAvx512() && reg < 8; ++reg) {  // KMOVQ
    Absolute(out, {0xc4, 0xe1, 0xf8, static_cast<u8>(load ? 0x90 : 0x91)}, reg,
             AREA(vec.k) + reg * 8u);
  }
  for (u8 reg = 0; HostHasAvx() && !HasAvx512() && reg < 16; ++reg) {  // VMOVUPS ymm
    const u8 vex = reg < 8 ? 0xfc : 0x7c;
    Absolute(out, {0xc5, vex, opcode}, reg, AREA(vec.zmm) + reg * 64u);
  }
}

// By RAX. RDGSBASE or WRGSBASE.
void MoveGsBase(Code& out, bool load, u64 address) {
  if (!HasGsBase()) {
    return;
  }
  if (load) {
    Absolute(out, {0x48, 0x8b}, kRax, address);
    Put(out, {0xf3, 0x48, 0x0f, 0xae, 0xd8});
  } else {
    Put(out, {0xf3, 0x48, 0x0f, 0xae, 0xc8});
    Absolute(out, {0x48, 0x89}, kRax, address);
  }
}

constexpr SegReg kSegments[] = {SegReg::kEs, SegReg::kDs, SegReg::kGs, SegReg::kSs};

void MoveSegments(Code& out, bool load) {
  for (const SegReg reg : kSegments) {
    Absolute(out, {static_cast<u8>(load ? 0x8e : 0x8c)}, static_cast<u8>(reg),
             AREA(selectors) + 2 * static_cast<u64>(reg));
  }
}

void JumpTo(Code& out, u64 from, u64 target) {
  out.push_back(0xe9);
  Put32(out, target - (from + out.size() + 4));
}

Code EnterCode(bool is_narrow) {
  Code out{0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57};  // PUSH RBX to R15
  Absolute(out, {0x48, 0x89}, kRsp, AREA(host_rsp));
  Absolute(out, {0x0f, 0xae}, 3, AREA(host_mxcsr));  // STMXCSR
  MoveGsBase(out, false, AREA(host_gs_base));
  MoveSegments(out, true);
  MoveGsBase(out, true, AREA(gs_base));
  Absolute(out, {0x48, 0x0f, 0xae}, 1, AREA(fx));  // FXRSTOR64
  MoveVectors(out, true);
  Absolute(out, {0xff}, 6, AREA(rflags));  // PUSH
  out.push_back(0x9d);                     // POPFQ
  MoveGprs(out, true);
  if (is_narrow) {
    Absolute(out, {0xff}, 5, AREA(start_offset));  // JMP far
  } else {
    JumpTo(out, kNativeEnter, kLongLayout.code);
  }
  return out;
}

Code LeaveCode() {
  Code out;
  MoveGprs(out, false);
  Absolute(out, {0x48, 0x8b}, kRsp, AREA(host_rsp));
  out.push_back(0x9c);                     // PUSHFQ
  Absolute(out, {0x8f}, 0, AREA(rflags));  // POP
  Put(out, {0x6a, 0x02, 0x9d});            // PUSH 2; POPFQ
  MoveGsBase(out, false, AREA(gs_base));
  MoveSegments(out, false);
  Absolute(out, {0x8e}, static_cast<u8>(SegReg::kSs), AREA(host_stack_selector));
  MoveGsBase(out, true, AREA(host_gs_base));
  MoveVectors(out, false);
  Absolute(out, {0x48, 0x0f, 0xae}, 0, AREA(fx));  // FXSAVE64
  if (HostHasAvx()) {
    Put(out, {0xc5, 0xf8, 0x77});  // VZEROUPPER
  }
  Put(out, {0xdb, 0xe3});                            // FNINIT
  Absolute(out, {0x0f, 0xae}, 2, AREA(host_mxcsr));  // LDMXCSR
  Put(out, {0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3});
  return out;
}

#undef AREA

void PutAt(u64 address, u64 limit, const Code& code) {
  CHECK(address + code.size() <= limit);
  std::memcpy(reinterpret_cast<void*>(address), code.data(), code.size());
}

}  // namespace

bool HostHasAvx() { return __builtin_cpu_supports("avx") != 0; }

void EmitNativeStubs() {
  PutAt(kNativeEnter, kNativeEnterNarrow, EnterCode(false));
  PutAt(kNativeEnterNarrow, kNativeLeave, EnterCode(true));
  PutAt(kNativeLeave, kNativeArea, LeaveCode());
}

}  // namespace tandem::cpu
