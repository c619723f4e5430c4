#include "jit/engine/engine.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "cpu/exec/flags.h"
#include "jit/engine/host_thread.h"
#include "jit/engine/shadow_stack.h"

namespace tandem::jit {
namespace {

using cpu::kArithFlags;

constexpr u64 kLongestInst = 15;

u64 FlagsOf(u64 flags_ax) { return cpu::FlagsFromAx(static_cast<u32>(flags_ax)); }

}  // namespace

struct EngineThunks {
  static Engine& Of(void* engine) { return *static_cast<Engine*>(engine); }
  static const u8* Interpret(void* engine, u64 first, u64) { return Of(engine).OnInterpret(first); }
  static const u8* CallOut(void* engine, u64 first, u64 second) {
    return Of(engine).OnCallOut(*reinterpret_cast<const jit::CallOut*>(first),
                                reinterpret_cast<const u8*>(second));
  }
  static const u8* Execute(void* engine, u64 first, u64) {
    return Of(engine).OnExecute(*reinterpret_cast<const jit::CallOut*>(first));
  }
  static const u8* Poll(void* engine, u64 first, u64) { return Of(engine).OnPoll(first); }
  static const u8* Link(void* engine, u64, u64 second) {
    return Of(engine).OnLink(*reinterpret_cast<const LinkRecord*>(second));
  }
  static const u8* Branch(void* engine, u64 first, u64) { return Of(engine).OnBranch(first); }
  static const u8* Miss(void* engine, u64 first, u64 second) {
    return Of(engine).OnMiss(first, MissRecord::Unpack(second));
  }
  static const u8* LoadX87(void* engine, u64 first, u64) { return Of(engine).OnLoadX87(first); }
  static const u8* LoadVectors(void* engine, u64 first, u64) {
    return Of(engine).OnLoadVectors(first);
  }
};

Handlers Engine::MakeHandlers() {
  return {.interpret = &EngineThunks::Interpret,
          .poll = &EngineThunks::Poll,
          .link = &EngineThunks::Link,
          .branch = &EngineThunks::Branch,
          .miss = &EngineThunks::Miss,
          .call_out = &EngineThunks::CallOut,
          .execute = &EngineThunks::Execute,
          .load_x87 = &EngineThunks::LoadX87,
          .load_vectors = &EngineThunks::LoadVectors};
}

Engine::Engine(VcpuContext& context, cpu::Interpreter& interpreter, SharedCode& shared)
    : context_(context),
      state_(context.state),
      interpreter_(interpreter),
      mmu_(interpreter.mmu()),
      shared_(shared),
      user_stack_(std::make_unique<ShadowStack>(shared.thunks().return_underflow)),
      kernel_stack_(std::make_unique<ShadowStack>(shared.thunks().return_underflow)) {
  context_.engine = this;
  context_.shadow_base = kernel_stack_->base();
  ResetShadowStack();
  for (auto& bank : context_.micro) {
    for (MicroEntry& entry : bank[1]) {
      entry.is_write = 1;
    }
  }
  mmu_.SetFlushObserver(this);
  shared_.Add(*this);
}

Engine::~Engine() {
  LeaveHostThread(*this);
  shared_.Remove(*this);
  mmu_.SetFlushObserver(nullptr);
}

void Engine::StateChanged() { ForgetBranches(); }

void Engine::Run() {
  UseHostThread(*this, context_);
  context_.attention.fetch_and(~kPauseAttention);
  shared_.Enter(*this);
  ResetShadowStack();
  if (const u8* code = Resume()) {
    shared_.thunks().enter(&context_, code);
  }
  UnloadX87();
  context_.vectors_loaded = 0;
  mode_is_old_ = true;
  shared_.Leave(*this);
}

// Outside 64-bit mode R8 is scratch, but the guest's value is to be there again afterwards.
void Engine::TakeState() {
  if (mode_.code_bits != 64) {
    state_.gpr[8] = kept_r8_;
  }
  state_.rflags = (state_.rflags & ~kArithFlags) | FlagsOf(context_.flags_ax);
  constexpr auto kGs = static_cast<size_t>(cpu::SegReg::kGs);
  interpreter_.core().segment_base[kGs] = context_.segment_base[kGs];  // SWAPGS is emitted
}

void Engine::PutState() {
  context_.flags_ax = cpu::AxFromFlags(state_.rflags);
  kept_r8_ = state_.gpr[8];
}

u64 Engine::RipAt(u64 page_offset) const {
  return (context_.pc_base + page_offset) & interpreter_.core().rip_mask;
}

const u8* Engine::Resume() {
  const u8* const code = Next();
  PutState();
  return code;
}

// One instruction by the interpreter.
void Engine::Step() {
  ++counts_.interpreted;
  UnloadX87();
  interpreter_.ExecuteOne();
  mode_is_old_ = true;
}

bool Engine::MustLeave() {
  u32 attention = context_.attention.load(std::memory_order_acquire);
  if ((attention & kForgetAttention) != 0) [[unlikely]] {
    attention = context_.attention.fetch_and(~kForgetAttention) & ~kForgetAttention;
    ForgetRetired();
  }
  return state_.activity != cpu::Activity::kRunning || interpreter_.MustReturn(attention);
}

const u8* Engine::Next() {
  for (;;) {
    if (mmu_.FlushIsRequested()) [[unlikely]] {
      mmu_.ServeFlushRequest();
    }
    if (MustLeave()) [[unlikely]] {
      return nullptr;
    }
    if (interpreter_.NeedsSingleStep()) [[unlikely]] {
      Step();
      continue;
    }
    state_.rflags &= ~cpu::kFlagRf;
    if (mode_is_old_) {
      UpdateMode();
    }
    if (const u8* code = FindCode()) {
      return code;
    }
  }
}

const u8* Engine::FindCode() {
  const BranchEntry& entry = context_.branches[state_.rip % kBranchEntries];
  if (entry.tag == (state_.rip ^ context_.branch_salt)) {
    context_.pc_base = entry.pc_base;
    return reinterpret_cast<const u8*>(entry.code);
  }
  return Search(false);
}

bool Engine::FetchPage(u64 linear, GuestPage& page, bool& is_global, cpu::Fault& fault) {
  cpu::CodePage code;
  fault = mmu_.Fetch(Gva(linear), code);
  if (fault || code.host == nullptr) {
    return false;
  }
  const devices::FlatRange* range = mmu_.view().Find(code.gpa);
  if (range == nullptr || !range->ram) {
    return false;
  }
  page = {range->ram.get(), range->offset + (code.gpa - range->start)};
  is_global = code.is_global;
  return true;
}

// Null: try again, or pause. What cannot be translated has been executed.
const u8* Engine::Search(bool ungrouped) {
  ++counts_.searches;
  const cpu::Core& core = interpreter_.core();
  const u64 rip = state_.rip;
  const u64 linear = (core.segment_base[static_cast<size_t>(cpu::SegReg::kCs)] + rip) &
                     core.linear_mask;
  const u64 offset = linear % kPageSize;
  const bool may_pass_limit =
      mode_.code_bits != 64 &&
      rip - offset + kPageSize + 15 > u64{state_.Seg(cpu::SegReg::kCs).limit};
  GuestPage page;
  bool is_global = false;
  cpu::Fault fault;
  if (may_pass_limit || mode_.bank >= kMicroBanks) {
    Step();
    return nullptr;
  }
  if (!FetchPage(linear, page, is_global, fault)) {
    fault ? interpreter_.Raise(fault) : Step();
    mode_is_old_ = true;
    return nullptr;
  }
  GuestPage second;
  const auto next = [&]() -> const GuestPage* {
    bool second_is_global = false;
    cpu::Fault ignored;
    const u64 at = (AlignDown(linear, kPageSize) + kPageSize) & core.linear_mask;
    return FetchPage(at, second, second_is_global, ignored) ? &second : nullptr;
  };
  UnitMode mode = mode_;
  mode.ungrouped = ungrouped;
  const u8* const code = shared_.Find(*this, mode, page, static_cast<u16>(offset), next);
  if (code == nullptr) {
    if ((context_.attention.load() & kPauseAttention) == 0) {
      Step();
    }
    return nullptr;
  }
  context_.pc_base = rip - offset;
  code_pages_.Add(linear);
  if (linear % kPageSize > kPageSize - kLongestInst) {
    code_pages_.Add(linear + kLongestInst);
  }
  if (!ungrouped) {
    Remember(rip, code, is_global);
  }
  return code;
}

void Engine::Remember(u64 rip, const u8* code, bool is_global) {
  has_local_supervisor_branches_ |= !mode_.is_user && !is_global;
  context_.branches[rip % kBranchEntries] = {.tag = rip ^ context_.branch_salt,
                                             .code = reinterpret_cast<u64>(code),
                                             .pc_base = context_.pc_base,
                                             .padding = 0};
}

const u8* Engine::OnInterpret(u64 page_offset) {
  state_.rip = RipAt(page_offset);
  TakeState();
  Step();
  return Resume();
}

const u8* Engine::OnPoll(u64 page_offset) {
  ++counts_.polls;
  state_.rip = RipAt(page_offset);
  TakeState();
  return Resume();
}

const u8* Engine::OnBranch(u64 rip) {
  ++counts_.branch_misses;
  state_.rip = rip;
  TakeState();
  return Resume();
}

// Jumps stay within their page, so what they lead to depends on nothing but mode and bytes.
const u8* Engine::OnLink(const LinkRecord& record) {
  ++counts_.links;
  Block& from = *reinterpret_cast<Block*>(record.block);
  const BlockKey key = from.key;
  const u16 offset = from.exits[record.site].page_offset;
  const u64 recycled = shared_.counts().recycled_chunks.load();
  state_.rip = RipAt(offset);
  const u64 rip = state_.rip;
  TakeState();
  const u8* const code = Resume();
  UnitMode mode = mode_;
  const u64 plain = mode.Key();
  mode.ungrouped = true;
  const bool is_same_mode = key.mode == plain || key.mode == mode.Key();
  const bool is_alive = shared_.counts().recycled_chunks.load() == recycled;
  if (code != nullptr && state_.rip == rip && is_same_mode && is_alive) {
    shared_.Link(from, record.site, {AlignDown(key.address, kPageSize) + offset, plain});
  }
  return code;
}

const u8* Engine::OnLoadX87(u64 page_offset) {
  ++counts_.x87_loads;
  LoadX87();
  return OnPoll(page_offset);
}

const u8* Engine::OnLoadVectors(u64 page_offset) {
  ++counts_.vector_loads;
  context_.vectors_loaded = 1;
  mode_is_old_ = true;
  ResetShadowStack();
  return OnPoll(page_offset);
}

void Engine::ForgetAllCode() { ForgetBranches(); }

}  // namespace tandem::jit
