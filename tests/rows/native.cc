#include "tests/rows/native.h"

#include <asm/ldt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "base/unique_fd.h"
#include "tests/rows/native_area.h"

namespace tandem::cpu {
namespace {

constexpr u64 kRegionSize = 0x40000;
constexpr u64 kHostFlags = kFlagFixed1 | kFlagIf;
constexpr u64 kGuestFlags = kArithFlags | kFlagDf | kFlagAc | kFlagNt | kFlagId;
constexpr u8 kHlt = 0xf4;
constexpr size_t kLeaveSize = 8, kCodeSize = 2 * kPageSize;

// What the signal handler leaves.
struct Stop {
  int signal = 0;
  u8 vector = 0;
  u32 error_code = 0;
  u64 address = 0, rip = 0, rflags = 0, rsp = 0;
};

volatile sig_atomic_t running = 0;
volatile sig_atomic_t ticks = 0;  // of the clock, while the code runs
Stop last_stop;

constexpr sig_atomic_t kMaxTicks = 3;
constexpr int kTickUs = 50'000;

void OnSignal(int signal, siginfo_t*, void* context) {
  if (running == 0) {
    if (signal != SIGALRM) {
      ::signal(signal, SIG_DFL);
    }
    return;
  }
  ticks = ticks + 1;
  if (signal == SIGALRM && ticks < kMaxTicks) {
    return;
  }
  auto& regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto value = [&regs](int reg) { return static_cast<u64>(regs[reg]); };
  // Not every kernel returns to a stack at a non-canonical address.
  last_stop = {signal,
               static_cast<u8>(value(REG_TRAPNO)),
               static_cast<u32>(value(REG_ERR)),
               value(REG_CR2),
               value(REG_RIP),
               value(REG_EFL),
               value(REG_RSP)};
  if (signal == SIGALRM) {
    last_stop.vector = NativeRunner::kNoEnd;
  }
  regs[REG_CSGSFS] = static_cast<greg_t>((value(REG_CSGSFS) & ~u64{0xffff}) | kUserCode64);
  regs[REG_RSP] = static_cast<greg_t>(TheNativeArea().host_rsp);
  regs[REG_RIP] = static_cast<greg_t>(kNativeLeave);
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
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM}) {
    CHECK(::sigaction(signal, &action, nullptr) == 0);
  }
  const itimerval period{{0, kTickUs}, {0, kTickUs}};
  CHECK(::setitimer(ITIMER_REAL, &period, nullptr) == 0);
}

// Entries 0 and 1 of the LDT: kUserCode16 and kUserData16.
bool MakeSegments() {
  constexpr int kWrite = 0x11;
  struct user_desc code {};
  code.base_addr = static_cast<unsigned>(kCompat16Layout.code_base);
  code.limit = 0xffff;
  code.contents = 2;  // code, not conforming
  struct user_desc data {};
  data.entry_number = 1;
  data.base_addr = static_cast<unsigned>(kCompat16Layout.data_base);
  data.limit = 0xffff;
  return ::syscall(SYS_modify_ldt, kWrite, &code, sizeof(code)) == 0 &&
         ::syscall(SYS_modify_ldt, kWrite, &data, sizeof(data)) == 0;
}

bool MapAt(u64 address, u64 size, int protection) {
  void* const at = reinterpret_cast<void*>(address);
  return ::mmap(at, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
         at;
}

// Readable, writable and executable as in Machine's page tables.
void OpenPages(u64 address, u64 size) {
  constexpr int kAll = PROT_READ | PROT_WRITE | PROT_EXEC;
  CHECK(::mprotect(reinterpret_cast<void*>(address), size, kAll) == 0);
}

// The code's pages for it to run, and once more to be written.
u8* MapCode() {
  const UniqueFd memory(::memfd_create("code", MFD_CLOEXEC));
  CHECK(memory.valid() && ::ftruncate(memory.get(), kCodeSize) == 0);
  void* const at = reinterpret_cast<void*>(kLongLayout.code);
  CHECK(::mmap(at, kCodeSize, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, memory.get(), 0) ==
        at);
  void* const writable =
      ::mmap(nullptr, kCodeSize, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  CHECK(writable != MAP_FAILED);
  return static_cast<u8*>(writable);
}

void LoadArea(const CpuState& state, MachineMode mode) {
  NativeArea& area = TheNativeArea();
  std::memcpy(area.gpr, state.gpr.data(), sizeof(area.gpr));
  area.rflags = (state.rflags & kGuestFlags) | kHostFlags;
  area.gs_base = state.Seg(SegReg::kGs).base;
  area.start_offset = static_cast<u32>(state.rip);
  area.start_selector = mode == MachineMode::kCompat16 ? kUserCode16 : kUserCode32;
  area.host_stack_selector = kUserData;
  for (size_t reg = 0; reg < state.seg.size(); ++reg) {
    area.selectors[reg] = state.seg[reg].selector;
  }
  area.fx = state.fx;
  area.vec = state.vec;
  for (size_t reg = 0; reg < 16; ++reg) {
    std::memcpy(area.fx.unused_xmm[reg], state.vec.zmm[reg], 16);
  }
}

void StoreArea(CpuState& state) {
  const NativeArea& area = TheNativeArea();
  std::memcpy(state.gpr.data(), area.gpr, sizeof(area.gpr));
  state.rflags = (state.rflags & ~kGuestFlags) | (area.rflags & kGuestFlags);
  state.Seg(SegReg::kGs).base = area.gs_base;
  for (const SegReg reg : {SegReg::kEs, SegReg::kSs, SegReg::kDs, SegReg::kGs}) {
    state.Seg(reg).selector = area.selectors[static_cast<size_t>(reg)];
  }
  std::memcpy(static_cast<void*>(&state.fx), &area.fx, offsetof(FxImage, unused_xmm));
  for (size_t reg = 0; reg < 16; ++reg) {
    std::memcpy(state.vec.zmm[reg], area.fx.unused_xmm[reg], 16);
  }
  if (HostHasAvx()) {
    state.vec = area.vec;
  }
}

}  // namespace

NativeRunner::NativeRunner() {
  if (!MapAt(kLongLayout.code, kRegionSize, PROT_NONE)) {
    return;
  }
  if (!MapAt(kNativeEnter, kNativeEnd - kNativeEnter, PROT_READ | PROT_WRITE | PROT_EXEC)) {
    ::munmap(reinterpret_cast<void*>(kLongLayout.code), kRegionSize);
    return;
  }
  region_ = reinterpret_cast<u8*>(kLongLayout.code);
  OpenPages(kLongLayout.data, kDataSize);
  OpenPages(kStackStart, kStackSize);
  code_ = MapCode();
  std::memset(code_, kHlt, kCodeSize);
  EmitNativeStubs();
  InstallHandlers();
  has_segments_ = has_16_bit_ = MakeSegments();
}

NativeRunner::~NativeRunner() {
  if (region_ != nullptr) {
    ::munmap(region_, kRegionSize);
    ::munmap(code_, kCodeSize);
    ::munmap(reinterpret_cast<void*>(kNativeEnter), kNativeEnd - kNativeEnter);
  }
}

void NativeRunner::PutCode(MachineMode mode, std::span<const u8> code, End end_with) {
  std::memset(code_, kHlt, code_size_ + kLeaveSize);
  mode_ = mode;
  code_size_ = code.size();
  std::memcpy(code_, code.data(), code.size());
  u8* const end = code_ + code.size();
  if (end_with == End::kHlt) {
    return;
  }
  if (mode == MachineMode::kLong) {
    end[0] = 0xe9;
    StoreLe<u32>(end + 1, static_cast<u32>(kNativeLeave - (kLongLayout.code + code.size() + 5)));
    return;
  }
  u8* const jump = mode == MachineMode::kCompat16 ? end + 1 : end;
  end[0] = 0x66;
  jump[0] = 0xea;  // JMP far
  StoreLe<u32>(jump + 1, static_cast<u32>(kNativeLeave));
  StoreLe<u16>(jump + 5, kUserCode64);
}

bool NativeRunner::IsEnd(u64 rip) const {
  const u64 at = rip + LayoutOf(mode_).code_base - kLongLayout.code;
  return at >= code_size_ && at < 2 * kPageSize && region_[at] == kHlt;
}

std::optional<Machine::Exception> NativeRunner::Run(CpuState& state) {
  if (has_16_bit_ && !has_segments_) {
    CHECK(MakeSegments());
    has_segments_ = true;
  }
  LoadArea(state, mode_);
  last_stop.signal = 0;
  ticks = 0;
  running = 1;
  reinterpret_cast<void (*)()>(mode_ == MachineMode::kLong ? kNativeEnter : kNativeEnterNarrow)();
  running = 0;
  StoreArea(state);
  if (mode_ != MachineMode::kLong) {
    // What narrow code cannot see; Linux puts bits of its own above ESP.
    for (size_t reg = 0; reg < 8; ++reg) {
      state.gpr[reg] &= 0xffffffff;
    }
    last_stop.rsp &= 0xffffffff;
  }
  state.rip = kLongLayout.code - LayoutOf(mode_).code_base + code_size_;
  if (last_stop.signal == 0) {
    return std::nullopt;
  }
  state.rip = last_stop.rip;
  state.gpr[kRsp] = last_stop.rsp;
  state.rflags = (state.rflags & ~kGuestFlags) | (last_stop.rflags & kGuestFlags);
  const u64 behind = state.rip - (kLongLayout.code - LayoutOf(mode_).code_base) - code_size_;
  if (behind != 0 && behind < 2 * kLeaveSize) {
    last_stop.vector = kNoEnd;  // after a jump into the jump that only the host has
  } else if (last_stop.vector == 13 && IsEnd(last_stop.rip)) {
    return std::nullopt;
  }
  if (last_stop.vector == 14) {
    state.cr2 = last_stop.address;
  }
  return Machine::Exception{last_stop.vector, last_stop.error_code, state.rip, 0};
}

std::span<std::byte> NativeRunner::data() const {
  return {reinterpret_cast<std::byte*>(kLongLayout.data), kDataSize};
}

std::span<std::byte> NativeRunner::stack() const {
  return {reinterpret_cast<std::byte*>(kStackStart), kStackSize};
}

}  // namespace tandem::cpu
