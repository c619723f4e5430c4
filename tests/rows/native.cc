#include "tests/rows/native.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstring>
#include <vector>

#include "base/bits.h"
#include "base/check.h"
#include "tests/rows/machine.h"

namespace tandem::cpu {
namespace {

constexpr u64 kRegionSize = 0x40000;
constexpr u64 kEnter = 0x10030000, kLeave = 0x10030800, kArea = 0x10031000;
constexpr u64 kHostFlags = kFlagFixed1 | kFlagIf;
constexpr u64 kGuestFlags = kArithFlags | kFlagDf;

// Known to the emitted code.
struct Area {
  u64 gpr[16];
  u64 rflags;
  u64 host_rsp;
  u64 fault_rip;
  u64 fault_flags;
  u64 fault_rsp;
  u32 host_mxcsr;
  int signal;
  alignas(64) FxImage fx;
  alignas(64) VectorState vec;
};

Area& TheArea() { return *reinterpret_cast<Area*>(kArea); }

bool HasAvx512() { return __builtin_cpu_supports("avx512bw") != 0; }
bool HasAvx() { return __builtin_cpu_supports("avx") != 0; }

void Put32(std::vector<u8>& out, u64 value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<u8>(value >> shift));
  }
}

// prefix bytes, opcode, then an operand [disp32] without base.
void Absolute(std::vector<u8>& out, std::initializer_list<u8> opcode, u8 reg, u64 address) {
  out.insert(out.end(), opcode);
  out.push_back(static_cast<u8>(0x04 | ((reg & 7) << 3)));
  out.push_back(0x25);
  Put32(out, address);
}

void MoveGpr(std::vector<u8>& out, bool load, u8 reg) {
  const u8 rex = reg >= 8 ? 0x4c : 0x48;
  Absolute(out, {rex, static_cast<u8>(load ? 0x8b : 0x89)}, reg, kArea + reg * 8u);
}

void MoveVectors(std::vector<u8>& out, bool load) {
  const u8 opcode = load ? 0x10 : 0x11;
  const u64 vectors = kArea + offsetof(Area, vec);
  for (u8 reg = 0; HasAvx512() && reg < 32; ++reg) {  // VMOVUPS zmm
    const u8 evex = static_cast<u8>(0x61 | (Bit(reg, 3) ? 0 : 0x80) | (reg < 16 ? 0x10 : 0));
    Absolute(out, {0x62, evex, 0x7c, 0x48, opcode}, reg, vectors + reg * 64u);
  }
  for (u8 reg = 0; HasAvx512() && reg < 8; ++reg) {  // KMOVQ
    Absolute(out, {0xc4, 0xe1, 0xf8, static_cast<u8>(load ? 0x90 : 0x91)}, reg,
             vectors + offsetof(VectorState, k) + reg * 8u);
  }
  for (u8 reg = 0; HasAvx() && !HasAvx512() && reg < 16; ++reg) {  // VMOVUPS ymm
    const u8 vex = reg < 8 ? 0xfc : 0x7c;
    Absolute(out, {0xc5, vex, opcode}, reg, vectors + reg * 64u);
  }
}

constexpr std::initializer_list<u8> kPushSaved = {0x53, 0x55, 0x41, 0x54, 0x41,
                                                  0x55, 0x41, 0x56, 0x41, 0x57};
constexpr std::initializer_list<u8> kPopSaved = {0x41, 0x5f, 0x41, 0x5e, 0x41,
                                                 0x5d, 0x41, 0x5c, 0x5d, 0x5b};

std::vector<u8> EnterCode() {
  std::vector<u8> out(kPushSaved);
  Absolute(out, {0x48, 0x89}, 4, kArea + offsetof(Area, host_rsp));
  Absolute(out, {0x0f, 0xae}, 3, kArea + offsetof(Area, host_mxcsr));  // STMXCSR
  Absolute(out, {0x48, 0x0f, 0xae}, 1, kArea + offsetof(Area, fx));    // FXRSTOR64
  MoveVectors(out, true);
  Absolute(out, {0xff}, 6, kArea + offsetof(Area, rflags));  // PUSH
  out.push_back(0x9d);                                       // POPFQ
  for (u8 reg = 0; reg < 16; ++reg) {
    MoveGpr(out, true, reg);
  }
  out.push_back(0xe9);  // JMP rel32
  Put32(out, kLongLayout.code - (kEnter + out.size() + 4));
  return out;
}

std::vector<u8> LeaveCode() {
  std::vector<u8> out;
  for (u8 reg = 0; reg < 16; ++reg) {
    MoveGpr(out, false, reg);
  }
  Absolute(out, {0x48, 0x8b}, 4, kArea + offsetof(Area, host_rsp));
  out.push_back(0x9c);                                       // PUSHFQ
  Absolute(out, {0x8f}, 0, kArea + offsetof(Area, rflags));  // POP
  out.push_back(0xfc);                                       // CLD
  MoveVectors(out, false);
  Absolute(out, {0x48, 0x0f, 0xae}, 0, kArea + offsetof(Area, fx));  // FXSAVE64
  if (HasAvx()) {
    out.insert(out.end(), {0xc5, 0xf8, 0x77});  // VZEROUPPER
  }
  out.insert(out.end(), {0xdb, 0xe3});                                 // FNINIT
  Absolute(out, {0x0f, 0xae}, 2, kArea + offsetof(Area, host_mxcsr));  // LDMXCSR
  out.insert(out.end(), kPopSaved);
  out.push_back(0xc3);
  return out;
}

volatile sig_atomic_t running = 0;

void OnSignal(int signal, siginfo_t*, void* context) {
  if (running == 0) {
    ::signal(signal, SIG_DFL);
    return;
  }
  auto& regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  TheArea().signal = signal;
  TheArea().fault_rip = static_cast<u64>(regs[REG_RIP]);
  TheArea().fault_flags = static_cast<u64>(regs[REG_EFL]);
  // Not every kernel returns to a stack at a non-canonical address.
  TheArea().fault_rsp = static_cast<u64>(regs[REG_RSP]);
  regs[REG_RSP] = static_cast<greg_t>(TheArea().host_rsp);
  regs[REG_RIP] = static_cast<greg_t>(kLeave);
  regs[REG_EFL] &= ~static_cast<greg_t>(kFlagTf | kFlagAc);
}

void InstallHandlers() {
  static u8 stack[1 << 16];
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  CHECK(::sigaltstack(&alternative, nullptr) == 0);
  struct sigaction action {};
  action.sa_sigaction = &OnSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) {
    CHECK(::sigaction(signal, &action, nullptr) == 0);
  }
}

void LoadArea(const CpuState& state) {
  Area& area = TheArea();
  std::memcpy(area.gpr, state.gpr.data(), sizeof(area.gpr));
  area.rflags = (state.rflags & kGuestFlags) | kHostFlags;
  area.signal = 0;
  area.fx = state.fx;
  area.vec = state.vec;
  for (size_t reg = 0; reg < 16; ++reg) {
    std::memcpy(area.fx.unused_xmm[reg], state.vec.zmm[reg], 16);
  }
}

void StoreArea(CpuState& state) {
  const Area& area = TheArea();
  std::memcpy(state.gpr.data(), area.gpr, sizeof(area.gpr));
  state.rflags = (state.rflags & ~kGuestFlags) | (area.rflags & kGuestFlags);
  FxImage fx = area.fx;
  std::memcpy(fx.unused_xmm, state.fx.unused_xmm, sizeof(fx.unused_xmm));
  std::memcpy(fx.available, state.fx.available, sizeof(fx.available));
  for (size_t reg = 0; reg < 16; ++reg) {
    std::memcpy(state.vec.zmm[reg], area.fx.unused_xmm[reg], 16);
  }
  if (HasAvx()) {
    state.vec = area.vec;
  }
  state.fx = fx;
}

}  // namespace

NativeRunner::NativeRunner() {
  void* at = reinterpret_cast<void*>(kLongLayout.code);
  void* mapped = ::mmap(at, kRegionSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped != at) {
    return;
  }
  region_ = static_cast<u8*>(mapped);
  // The holes around the data, as in Machine's page tables.
  CHECK(::mprotect(reinterpret_cast<void*>(kLongLayout.data + kDataSize), 0x4000, PROT_NONE) == 0);
  CHECK(::mprotect(reinterpret_cast<void*>(kLongLayout.data - 0x1000), 0x1000, PROT_NONE) == 0);
  Emit();
  InstallHandlers();
}

NativeRunner::~NativeRunner() {
  if (region_ != nullptr) {
    ::munmap(region_, kRegionSize);
  }
}

void NativeRunner::Emit() {
  const std::vector<u8> enter = EnterCode();
  const std::vector<u8> leave = LeaveCode();
  CHECK(enter.size() < kLeave - kEnter && leave.size() < kArea - kLeave);
  std::memcpy(reinterpret_cast<void*>(kEnter), enter.data(), enter.size());
  std::memcpy(reinterpret_cast<void*>(kLeave), leave.data(), leave.size());
}

int NativeRunner::Run(CpuState& state, std::span<const u8> code) {
  std::vector<u8> out(code.begin(), code.end());
  out.push_back(0xe9);
  Put32(out, kLeave - (kLongLayout.code + out.size() + 4));
  std::memcpy(region_, out.data(), out.size());
  LoadArea(state);
  running = 1;
  reinterpret_cast<void (*)()>(kEnter)();
  running = 0;
  StoreArea(state);
  const Area& area = TheArea();
  state.rip = kLongLayout.code + code.size();
  if (area.signal != 0) {
    state.rip = area.fault_rip;
    state.gpr[kRsp] = area.fault_rsp;
    state.rflags = (state.rflags & ~kGuestFlags) | (area.fault_flags & kGuestFlags);
  }
  return area.signal;
}

std::span<std::byte> NativeRunner::data() const {
  return {reinterpret_cast<std::byte*>(kLongLayout.data), kDataSize};
}

std::span<std::byte> NativeRunner::stack() const {
  return {reinterpret_cast<std::byte*>(kLongLayout.stack - 0x2000), 0x4000};
}

}  // namespace tandem::cpu
