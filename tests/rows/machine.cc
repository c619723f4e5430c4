#include "tests/rows/machine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "cpu/state/model_parser.h"
#include "tests/rows/kvm_engine.h"

namespace tandem::cpu {
namespace {

constexpr u64 kLowSize = 0x400000, kHighSize = 0x40000;
constexpr u64 kCodeSize = 0x2000;
constexpr u64 kHandlerStack = 0x1f000;
constexpr u16 kCode0 = 0x08, kData0 = 0x10, kTr = 0x38;
constexpr u16 kGdtLimit = 0x7f;  // as Linux has it
constexpr u64 kLdt = Machine::kGdt + 0x800;
constexpr u16 kLdtLimit = 0xf, kTssLimit = 0x67;
constexpr u64 kHandlerStride = 16;
constexpr u8 kHlt = 0xf4;

// Of a 16-bit segment of 64 KiB.
constexpr u64 DescriptorAt(u64 base, u8 rights) {
  return 0xffff | (base & 0xffffff) << 16 | u64{rights} << 40 | (base >> 24) << 56;
}

bool HasErrorCode(u8 vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

jit::SharedCode::Eagerness EagernessOf(EngineKind kind) {
  using Eagerness = jit::SharedCode::Eagerness;
  switch (kind) {
    case EngineKind::kRegions:
    case EngineKind::kPreciseRegions:
      return Eagerness::kRegions;
    case EngineKind::kRegionsWithTlb:
      return Eagerness::kRegionsWithTlb;
    default:
      return Eagerness::kBlocks;
  }
}

}  // namespace

Machine::Machine(MachineMode mode, EngineKind kind)
    : mode_(mode),
      kind_(kind),
      context_(std::make_unique<jit::VcpuContext>()),
      state_(context_->state),
      low_(*devices::RamBlock::Create("low", kLowSize)),
      high_(*devices::RamBlock::Create("high", kHighSize)) {
  model_.vendor = "GenuineIntel";
  model_.max_leaf = 0xd;
  model_.max_extended_leaf = 0x80000008;
  model_.features = InterpreterFeatures();
  // With five levels addresses of 57 bits may be loaded into bases, whatever the paging mode.
  if (!HostFeatures().test(static_cast<size_t>(Feature::kLa57))) {
    model_.features.reset(static_cast<size_t>(Feature::kLa57));
  }
  CHECK(memory_.MapRam(Gpa(0), kLowSize, low_, 0, false).ok());
  CHECK(memory_.MapRam(Gpa(kLongLayout.code), kHighSize, high_, 0, false).ok());
  const Interpreter::Parts parts{state_,  model_, memory_, ports_,
                                 nullptr, clock_, 0,       &context_->tlb};
  interpreter_ = std::make_unique<Interpreter>(parts);
  if (kind_ == EngineKind::kKvm) {
    kvm_ = std::make_unique<KvmEngine>(model_, memory_, ports_, clock_);
  } else if (kind_ != EngineKind::kInterpreter) {
    shared_ = std::make_unique<jit::SharedCode>(model_, jit::Engine::MakeHandlers());
    shared_->SetEagerness(EagernessOf(kind_));
    if (HasPreciseFlags(kind_)) {
      shared_->KeepFlagsPrecise();
    }
    engine_ = std::make_unique<jit::Engine>(*context_, *interpreter_, *shared_);
  }
  std::memset(At(layout().code), kHlt, kCodeSize);
  Reset();
}

Machine::~Machine() = default;

std::byte* Machine::At(u64 address) {
  const bool is_high = address >= kLongLayout.code;
  const u64 offset = is_high ? address - kLongLayout.code : address;
  CHECK(offset < (is_high ? kHighSize : kLowSize));
  return (is_high ? high_ : low_)->data() + offset;
}

u64 Machine::PhysicalOf(u64 linear) const {
  return is_scattered_ && linear >= kLongLayout.data ? linear ^ kPageSize : linear;
}

std::vector<std::byte> Machine::Read(u64 linear, u64 length) {
  std::vector<std::byte> bytes;
  for (u64 at = linear; at < linear + length; at += kPageSize) {
    bytes.insert(bytes.end(), At(PhysicalOf(at)), At(PhysicalOf(at)) + kPageSize);
  }
  bytes.resize(length);
  return bytes;
}

void Machine::Write(u64 linear, std::span<const std::byte> bytes) {
  for (u64 at = 0; at < bytes.size(); at += kPageSize) {
    const u64 size = std::min<u64>(kPageSize, bytes.size() - at);
    std::memcpy(At(PhysicalOf(linear + at)), bytes.data() + at, size);
  }
}

void Machine::BuildTables() {
  const bool is_long = IsUnderLongMode(mode_);
  const u64 big = mode_ == MachineMode::kProtected16 ? 0 : u64{0x00c} << 52;
  StoreLe<u64>(At(kGdt + kCode0), is_long ? 0x00af9b000000ffff : 0x000f9b000000ffff | big);
  StoreLe<u64>(At(kGdt + kData0), 0x000f93000000ffff | big);
  StoreLe<u64>(At(kGdt + (kUserCode32 & ~7)), 0x000ffb000000ffff | big);
  StoreLe<u64>(At(kGdt + (kUserData & ~7)), 0x000ff3000000ffff | big);
  StoreLe<u64>(At(kGdt + (kUserCode64 & ~7)), is_long ? 0x00affb000000ffff : 0);
  StoreLe<u64>(At(kTss + 4), kHandlerStack + system_base());
  StoreLe<u64>(At(kTss + 0x24), kHandlerStack + system_base());  // IST1
  StoreLe<u16>(At(kTss + 0x66), kTssLimit + 1);                  // no map of ports
  StoreLe<u64>(At(kLdt), DescriptorAt(kCompat16Layout.code_base, 0xfb));
  StoreLe<u64>(At(kLdt + 8), DescriptorAt(kCompat16Layout.data_base, 0xf3));
  for (u64 vector = 0; vector < 256; ++vector) {
    const u64 handler = kHandlers + vector * kHandlerStride;
    *At(handler) = std::byte{kHlt};
    if (mode_ == MachineMode::kReal) {
      StoreLe<u32>(At(vector * 4), static_cast<u32>(handler));
    } else if (is_long) {
      StoreLe<u64>(At(kIdt + vector * 16), handler | u64{kCode0} << 16 | u64{0xee01} << 32);
      StoreLe<u64>(At(kIdt + vector * 16 + 8), (kSystemBase + handler) >> 32);
    } else {
      const u64 rights = mode_ == MachineMode::kProtected16 ? 0xe600 : 0xee00;
      StoreLe<u64>(At(kIdt + vector * 8), handler | u64{kCode0} << 16 | rights << 32);
    }
  }
}

// 1 GiB of supervisor pages for the tables, user pages for the long layout.
void Machine::BuildPaging() {
  constexpr u64 kTable = 7, kLarge = 0x83;
  StoreLe<u64>(At(0x14000), 0x15000 | kTable);
  StoreLe<u64>(At(0x15000), 0x16000 | kTable);
  StoreLe<u64>(At(0x14000 + (kSystemBase >> 39 & 511) * 8), 0x17000 | kTable);
  StoreLe<u64>(At(0x17000), 0x19000 | kTable);
  for (u64 i = 0; i < 512; ++i) {
    StoreLe<u64>(At(0x16000 + i * 8), 0);
    StoreLe<u64>(At(0x19000 + i * 8), i << 21 | kLarge);
  }
  StoreLe<u64>(At(0x16000 + (kLongLayout.code >> 21) * 8), kPageTable | kTable);
  for (u64 page = 0; page < 512; ++page) {
    const u64 address = kLongLayout.code + page * kPageSize;
    const bool is_data = address >= kLongLayout.data && address < kLongLayout.data + kDataSize;
    const bool is_stack = address >= kStackStart && address < kStackStart + kStackSize;
    const bool is_code = page < 2;
    constexpr u64 kReadOnly = 5;
    const u64 rights = is_code && is_scattered_ ? kReadOnly : kTable;
    StoreLe<u64>(At(kPageTable + page * 8),
                 is_data || is_stack || is_code ? PhysicalOf(address) | rights : u64{0});
  }
}

void Machine::EnterMode() {
  const bool is_16 = mode_ == MachineMode::kProtected16 || mode_ == MachineMode::kReal;
  const u16 big = is_16 ? 0 : 0xc000;
  const u32 limit = is_16 ? 0xffff : 0xffffffff;
  state_.cr4 = kCr4Osfxsr | kCr4Osxmmexcpt | kCr4Osxsave | kCr4Fsgsbase;
  state_.xcr0 = kXcr0X87 | kXcr0Sse | kXcr0Avx | (model_.SupportedXcr0() & kXcr0Avx512);
  state_.cr0 = kCr0Et | kCr0Ne | kCr0Mp;
  if (mode_ == MachineMode::kReal) {
    state_.Seg(SegReg::kCs) = {0, 0xffff, 0, 0x9b};
    state_.idtr = {0, 0x3ff};
    return;
  }
  state_.cr0 |= kCr0Pe;
  state_.gdtr = {kGdt + system_base(), kGdtLimit};
  state_.idtr = {kIdt + system_base(), 0xfff};
  state_.tr = {kTss + system_base(), kTssLimit, kTr, 0x8b};
  state_.ldtr = {kLdt + system_base(), kLdtLimit, 0x50, 0x82};
  for (Segment& segment : state_.seg) {
    segment = {0, limit, kData0, static_cast<u16>(0x93 | big)};
  }
  state_.Seg(SegReg::kCs) = {0, limit, kCode0, static_cast<u16>(0x9b | big)};
  if (IsUnderLongMode(mode_)) {
    BuildPaging();
    state_.cr4 |= kCr4Pae;
    state_.cr3 = 0x14000;
    state_.cr0 |= kCr0Pg | kCr0Wp;
    state_.msr.efer = kEferLme | kEferLma | kEferNxe | kEferSce;
    SetPrivilege(3);
    state_.Seg(SegReg::kFs).selector = state_.Seg(SegReg::kGs).selector = 0;
    EnterCompatibility();
  }
}

// Flat 32-bit segments, or 16-bit ones that start with the code and a little below the data.
void Machine::EnterCompatibility() {
  constexpr u16 kDataRights = 0xf3, kCodeRights = 0xfb, kBig = 0x4000, kFine = 0x8000;
  if (mode_ == MachineMode::kCompat32) {
    state_.Seg(SegReg::kCs) = {0, 0xffffffff, kUserCode32, kCodeRights | kBig | kFine};
  } else if (mode_ == MachineMode::kCompat16) {
    for (const SegReg reg : {SegReg::kEs, SegReg::kSs, SegReg::kDs}) {
      state_.Seg(reg) = {kCompat16Layout.data_base, 0xffff, kUserData16, kDataRights};
    }
    state_.Seg(SegReg::kCs) = {kCompat16Layout.code_base, 0xffff, kUserCode16, kCodeRights};
  }
}

void Machine::SetPrivilege(u8 cpl) {
  const u16 dpl = static_cast<u16>(cpl << 5);
  for (Segment& segment : state_.seg) {
    segment = {0, 0xffffffff, cpl == 0 ? kData0 : kUserData, static_cast<u16>(0xc093 | dpl)};
  }
  state_.Seg(SegReg::kCs) = {0, 0xffffffff, cpl == 0 ? kCode0 : kUserCode64,
                             static_cast<u16>(0xa09b | dpl)};
  state_.cpl = cpl;
}

void Machine::Reset() {
  PowerOnReset(state_, true);
  state_.gpr[kRdx] = 0;
  state_.fx.fcw = 0x37f;
  state_.fx.ftw = 0;
  BuildTables();
  EnterMode();
  state_.rip = layout().code - layout().code_base;
  state_.gpr[kRsp] = layout().stack - layout().data_base;
  std::memset(data().data(), 0, kDataSize);
}

void Machine::PutCode(std::span<const u8> code) {
  std::memset(At(layout().code), kHlt, code_size_);
  std::memcpy(At(layout().code), code.data(), code.size());
  code_size_ = code.size();
}

Machine::Exception Machine::TakeFrame(u8 vector) {
  Exception exception{vector, 0, 0, 0};
  u64 frame = state_.gpr[kRsp] - system_base();
  if (mode_ == MachineMode::kReal) {
    return exception;
  }
  if (HasErrorCode(vector)) {
    const bool is_word = mode_ == MachineMode::kProtected16;
    exception.error_code = is_word ? LoadLe<u16>(At(frame)) : LoadLe<u32>(At(frame));
    frame += is_word ? 2 : IsUnderLongMode(mode_) ? 8 : 4;
  }
  if (IsUnderLongMode(mode_)) {
    exception.rip = LoadLe<u64>(At(frame));
    exception.rflags = LoadLe<u64>(At(frame + 16));
    state_.rip = exception.rip;
    state_.rflags = exception.rflags & ~kFlagRf;
    state_.gpr[kRsp] = LoadLe<u64>(At(frame + 24));
    state_.Seg(SegReg::kCs).selector = LoadLe<u16>(At(frame + 8));
    state_.Seg(SegReg::kSs).selector = LoadLe<u16>(At(frame + 32));
  }
  return exception;
}

std::optional<Machine::Exception> Machine::Run(u64 count) {
  ForgetCode();
  const auto exception = RunEngine(count);
  return kind_ != EngineKind::kInterpreter ? EndAtHlt(exception) : exception;
}

std::optional<Machine::Exception> Machine::RunToEnd(u64 max_count) {
  ForgetCode();
  return EndAtHlt(RunEngine(max_count));
}

std::optional<Machine::Exception> Machine::RunAgain(const CpuState& start, u64 max_count) {
  state_ = start;
  interpreter_->RegistersChanged();
  return EndAtHlt(RunEngine(max_count));
}

// Memory was written behind the engine's back.
void Machine::ForgetCode() {
  interpreter_->StateChanged();
  if (engine_ != nullptr) {
    IsUnderLongMode(mode_) ? high_->MarkDirty(0, kHighSize)
                           : low_->MarkDirty(layout().code, layout().data + kDataSize);
    engine_->StateChanged();
  }
}

std::optional<Machine::Exception> Machine::RunKvm() {
  const std::string problem = kvm_->Run(state_);
  if (!problem.empty()) {
    std::fprintf(stderr, "KVM: %s\n", problem.c_str());
    return Exception{.vector = kNoEnd};
  }
  return TakeException();
}

std::optional<Machine::Exception> Machine::RunEngine(u64 count) {
  if (kvm_ != nullptr) {
    return RunKvm();
  }
  if (engine_ != nullptr) {
    engine_->Run();
    return TakeException();
  }
  const std::atomic<u32> attention{0};
  const u64 end = state_.instructions + count;
  while (state_.instructions < end && state_.activity == Activity::kRunning) {
    interpreter_->Run(end - state_.instructions, attention);
  }
  return TakeException();
}

std::optional<Machine::Exception> Machine::TakeException() {
  const u64 at = state_.Seg(SegReg::kCs).base + state_.rip - 1 - system_base();
  const u64 handler = (at - kHandlers) / kHandlerStride;
  if (state_.activity != Activity::kHalted || handler > 255) {
    return std::nullopt;
  }
  return TakeFrame(static_cast<u8>(handler));
}

// A HLT behind the tested code ends it: user code may not execute it.
std::optional<Machine::Exception> Machine::EndAtHlt(std::optional<Exception> exception) {
  if (!exception) {
    if (state_.activity == Activity::kHalted) {
      --state_.rip;
      state_.activity = Activity::kRunning;
    }
    return exception;
  }
  const u64 at = exception->rip + layout().code_base - layout().code;
  const bool is_hlt = exception->vector == 13 && IsUnderLongMode(mode_) && at >= code_size_ &&
                      at < kHighSize && *At(layout().code + at) == std::byte{kHlt};
  return is_hlt ? std::nullopt : exception;
}

}  // namespace tandem::cpu
