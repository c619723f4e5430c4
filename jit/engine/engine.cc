#include "jit/engine/engine.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"
#include "cpu/exec/flags.h"
#include "cpu/mmu/canonical.h"
#include "jit/engine/check_entries.h"
#include "jit/engine/host_thread.h"
#include "jit/engine/log_text.h"
#include "jit/engine/shadow_stack.h"

namespace tandem::jit {
namespace {

using cpu::kArithFlags;

u64 FlagsOf(u64 flags_ax) { return cpu::FlagsFromAx(static_cast<u32>(flags_ax)); }

}  // namespace

struct EngineThunks {
  static Engine& Of(void* engine) { return *static_cast<Engine*>(engine); }
  static const u8* GoOnAt(void* engine, const u8* code) {
    if constexpr (kChecksEntries) {
      Of(engine).CheckJump(code);
    }
    return code;
  }
  static const u8* Interpret(void* engine, u64 first, u64) {
    return GoOnAt(engine, Of(engine).OnInterpret(SiteRecord::Unpack(first)));
  }
  static const u8* CallOut(void* engine, u64 first, u64 second) {
    return GoOnAt(engine, Of(engine).OnCallOut(*reinterpret_cast<const jit::CallOut*>(first),
                                               reinterpret_cast<const u8*>(second)));
  }
  static const u8* Execute(void* engine, u64 first, u64) {
    return GoOnAt(engine, Of(engine).OnExecute(*reinterpret_cast<const jit::CallOut*>(first)));
  }
  static const u8* Poll(void* engine, u64 first, u64) {
    return GoOnAt(engine, Of(engine).OnPoll(SiteRecord::Unpack(first)));
  }
  static const u8* Verify(void* engine, u64 first, u64) {
    return GoOnAt(engine, Of(engine).OnVerify(SiteRecord::Unpack(first)));
  }
  static const u8* Link(void* engine, u64, u64 second) {
    return GoOnAt(engine, Of(engine).OnLink(*reinterpret_cast<const LinkRecord*>(second)));
  }
  static const u8* Branch(void* engine, u64 first, u64 second) {
    return GoOnAt(engine, Of(engine).OnBranch(first, BranchSite::Unpack(second)));
  }
  static const u8* Miss(void* engine, u64 first, u64 second) {
    return GoOnAt(engine, Of(engine).OnMiss(first, MissRecord::Unpack(second)));
  }
  static const u8* LoadX87(void* engine, u64 first, u64) {
    return GoOnAt(engine, Of(engine).OnLoadX87(SiteRecord::Unpack(first)));
  }
  static const u8* LoadVectors(void* engine, u64 first, u64) {
    return GoOnAt(engine, Of(engine).OnLoadVectors(SiteRecord::Unpack(first)));
  }
  static const u8* Entered(void* engine, u64, u64 second) {
    return Of(engine).OnEntered(*reinterpret_cast<const EntryRecord*>(second));
  }
};

Handlers Engine::MakeHandlers() {
  return {.interpret = &EngineThunks::Interpret,
          .poll = &EngineThunks::Poll,
          .verify = &EngineThunks::Verify,
          .link = &EngineThunks::Link,
          .branch = &EngineThunks::Branch,
          .miss = &EngineThunks::Miss,
          .call_out = &EngineThunks::CallOut,
          .execute = &EngineThunks::Execute,
          .load_x87 = &EngineThunks::LoadX87,
          .load_vectors = &EngineThunks::LoadVectors,
          .entered = &EngineThunks::Entered};
}

Engine::Engine(VcpuContext& context, cpu::Interpreter& interpreter, SharedCode& shared,
               Onlooker* onlooker)
    : context_(context),
      state_(context.state),
      interpreter_(interpreter),
      mmu_(interpreter.mmu()),
      shared_(shared),
      onlooker_(onlooker),
      user_stack_(std::make_unique<ShadowStack>(shared.thunks().return_underflow)),
      kernel_stack_(std::make_unique<ShadowStack>(shared.thunks().return_underflow)) {
  context_.engine = this;
  context_.shadow_base = kernel_stack_->base();
  ResetShadowStack();
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
  if (const u8* code = EngineThunks::GoOnAt(this, Resume())) {
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

u64 Engine::RipAt(i64 offset) const {
  return (context_.pc_base + static_cast<u64>(offset)) & interpreter_.core().rip_mask;
}

void Engine::StandAt(SiteRecord site) {
  state_.rip = RipAt(site.offset);
  if (!site.homes.IsDefault()) {
    site.homes.Rearrange(state_.gpr.data());
  }
  TakeState();
  if (onlooker_ != nullptr) [[unlikely]] {
    onlooker_->OnStanding();
  }
}

const u8* Engine::Resume() {
  const u8* const code = Next();
  counts_.entries += code != nullptr ? 1 : 0;
  PutState();
  return code;
}

// One instruction by the interpreter.
void Engine::Step() {
  ++counts_.interpreted;
  LogStep();
  UnloadX87();
  ShowStep();
  interpreter_.ExecuteOne();
  mode_is_old_ = true;
}

// A fault that was found without executing the instruction.
void Engine::RaiseHere(const cpu::Fault& fault) {
  ShowStep();
  interpreter_.Raise(fault);
  mode_is_old_ = true;
}

void Engine::LogStep() const {
  if (LogEnabled(LogItem::kExec)) [[unlikely]] {
    Log(LogItem::kExec, "exec: vcpu {}: interpreter, rip {:#x}, linear {:#x}, {}",
        interpreter_.core().id, state_.rip, LinearRip(), ModeText(CurrentMode()));
  }
}

bool Engine::MustLeave() {
  u32 attention = context_.attention.load(std::memory_order_acquire);
  if ((attention & kForgetAttention) != 0) [[unlikely]] {
    attention = context_.attention.fetch_and(~kForgetAttention) & ~kForgetAttention;
    ForgetRetired();
  }
  if ((attention & kSampleAttention) != 0) [[unlikely]] {
    attention = context_.attention.fetch_and(~kSampleAttention) & ~kSampleAttention;
    is_sampled_ = true;
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
    if (is_sampled_) [[unlikely]] {
      Sample();
      continue;
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
    context_.page_tags[entry.page_id] = entry.pc_base ^ context_.branch_salt;
    return reinterpret_cast<const u8*>(entry.code);
  }
  return Search(false);
}

const u8* Engine::OnInterpret(SiteRecord site) {
  StandAt(site);
  Step();
  return Resume();
}

const u8* Engine::OnPoll(SiteRecord site) {
  ++counts_.polls;
  StandAt(site);
  return Resume();
}

// What the table of branches says of the place is not enough: the block lies in several pages.
const u8* Engine::OnVerify(SiteRecord site) {
  ++counts_.verifies;
  StandAt(site);
  if (mode_is_old_) {
    UpdateMode();
  }
  const u8* const code = Search(false);
  PutState();
  counts_.entries += code != nullptr ? 1 : 0;
  return code != nullptr ? code : Resume();
}

const u8* Engine::OnBranch(u64 rip, BranchSite site) {
  ++counts_.branch_misses;
  TakeState();
  if (site.is_known && !MayBranchTo(rip)) [[unlikely]] {
    FaultAtBranch(site);
  } else {
    state_.rip = rip;
  }
  return Resume();
}

bool Engine::MayBranchTo(u64 rip) const {
  return mode_.code_bits == 64 ? cpu::IsCanonical(rip, (state_.cr4 & cpu::kCr4La57) != 0)
                               : rip <= state_.Seg(cpu::SegReg::kCs).limit;
}

// The fault is the branch's own and not at its target: SDM Vol. 2, JMP, CALL and RET. A call has stored
// its return address below RSP already.
void Engine::FaultAtBranch(BranchSite site) {
  const u64 mask = mode_.code_bits == 64 ? ~u64{0} : 0xffffffff;
  u64& rsp = state_.gpr[cpu::kRsp];
  rsp = (rsp - static_cast<u64>(i64{site.popped})) & mask;
  state_.rip = RipAt(site.offset);
  interpreter_.Raise(cpu::Fault::Gp());
  mode_is_old_ = true;
}

// Where a jump leads depends on mode and bytes only, once it has seen that its page is mapped there.
const u8* Engine::OnLink(const LinkRecord& record) {
  ++counts_.links;
  Block& from = *reinterpret_cast<Block*>(record.block);
  const u64 mode = from.key.mode;
  const u64 recycled = shared_.counts().recycled_chunks.load();
  StandAt({OffsetInPage(static_cast<i64>(from.exits[record.site].target)), {}});
  const u64 rip = state_.rip;
  const u8* const code = Resume();
  UnitMode ungrouped = mode_;
  ungrouped.ungrouped = true;
  const bool is_same_mode = mode == mode_key_ || mode == ungrouped.Key();
  const bool is_alive = shared_.counts().recycled_chunks.load() == recycled;
  if (code != nullptr && state_.rip == rip && is_same_mode && is_alive) {
    shared_.Link(from, record.site, mode_key_);
  }
  return code;
}

const u8* Engine::OnLoadX87(SiteRecord site) {
  ++counts_.x87_loads;
  LoadX87();
  return OnPoll(site);
}

const u8* Engine::OnLoadVectors(SiteRecord site) {
  ++counts_.vector_loads;
  context_.vectors_loaded = 1;
  mode_is_old_ = true;
  ResetShadowStack();
  return OnPoll(site);
}

void Engine::ForgetAllCode() { ForgetBranches(); }

}  // namespace tandem::jit
