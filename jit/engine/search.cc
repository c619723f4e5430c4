#include "base/bits.h"
#include "jit/engine/call_out.h"
#include "jit/engine/engine.h"

// The way from RIP to a block.
namespace tandem::jit {

u64 Engine::LinearRip() const {
  const cpu::Core& core = interpreter_.core();
  return (core.segment_base[static_cast<size_t>(cpu::SegReg::kCs)] + state_.rip) &
         core.linear_mask;
}

bool Engine::FetchPage(u64 linear, GuestPage& page, cpu::Fault& fault) {
  cpu::CodePage code;
  fault = mmu_.Fetch(Gva(linear), code);
  if (fault || code.host == nullptr) {
    return false;
  }
  const devices::FlatRange* range = mmu_.view().Find(code.gpa);
  if (range == nullptr || !range->ram) {
    return false;
  }
  page = {range->ram.get(), range->offset + (code.gpa - range->start), code.is_global};
  return true;
}

MappedWindow Engine::MakeWindow() {
  const u64 first = AlignDown(LinearRip(), kPageSize);
  return MappedWindow(shared_.page_numbers(), decoded_, first,
                      [this, first](i64 page, GuestPage& found) {
    cpu::Fault ignored;
    const u64 linear = first + static_cast<u64>(page) * kPageSize;
    return FetchPage(linear & interpreter_.core().linear_mask, found, ignored);
  });
}

// Translated code does not compare RIP with the limit of CS.
bool Engine::MayPassLimit() const {
  const u64 offset = LinearRip() % kPageSize;
  return mode_.code_bits != 64 &&
         state_.rip - offset + kPageSize + 15 > u64{state_.Seg(cpu::SegReg::kCs).limit};
}

// The code at RIP does not lie in RAM, cannot be fetched, or its page gets no number.
void Engine::ExecuteElsewhere() {
  GuestPage page;
  cpu::Fault fault;
  FetchPage(LinearRip(), page, fault);
  fault ? RaiseHere(fault) : Step();
}

// One instruction as it stands. Unlike the interpreter nobody keeps it, and so writes to it need not be
// seen.
void Engine::StepUnwatched(MappedWindow& window, u16 offset) {
  const cpu::CpuModel& model = interpreter_.core().model;
  const std::optional<UnitInst> inst = ReadInst(mode_, model, window, offset, true);
  if (!inst || inst->inst.op == cpu::Op::kHost) {
    Step();
    return;
  }
  ++counts_.unwatched;
  LogStep();
  shared_.NoteStep(*window.GuestAt(0), *inst);
  UnloadX87();
  ShowStep();
  const CallOut once(*inst, mode_, model);
  (void)interpreter_.ExecuteBound(once.bound.step);
  mode_is_old_ = true;
}

// Null: try again, or pause. What cannot be translated has been executed.
const u8* Engine::Search(bool ungrouped) {
  ++counts_.searches;
  if (MayPassLimit() || mode_.bank >= kMicroBanks) {
    Step();
    return nullptr;
  }
  MappedWindow window = MakeWindow();
  if (window.GuestAt(0) == nullptr) {
    ExecuteElsewhere();
    return nullptr;
  }
  UnitMode mode = mode_;
  mode.ungrouped = ungrouped;
  const u16 offset = OffsetInPage(static_cast<i64>(LinearRip()));
  const Block* const block = shared_.Find(*this, mode, window, offset);
  if (block == nullptr) {
    if ((context_.attention.load() & kPauseAttention) == 0) {
      StepUnwatched(window, offset);
    }
    return nullptr;
  }
  if (mode_is_old_) {
    return nullptr;  // room was made: what is cached is to be dropped first
  }
  context_.pc_base = state_.rip - LinearRip() % kPageSize;
  NotePages(*block, window);
  if (!ungrouped) {
    Remember(*block);
  }
  return shared_.EntryOf(*block);
}

// The block's pages are where they are, until the translation of one of them is flushed.
void Engine::NotePages(const Block& block, MappedWindow& window) {
  NotePage(0, block.page_id, *window.GuestAt(0));
  for (const OtherPage& page : block.other_pages()) {
    NotePage(page.page, page.id, *window.GuestAt(page.page));
  }
}

void Engine::NotePage(i64 page, u32 id, const GuestPage& guest) {
  const u64 distance = static_cast<u64>(page) * kPageSize;
  context_.page_tags[id] = (context_.pc_base + distance) ^ context_.branch_salt;
  code_pages_.Add((LinearRip() + distance) & interpreter_.core().linear_mask);
  has_local_supervisor_branches_ |= !mode_.is_user && !guest.is_global;
}

void Engine::Remember(const Block& block) {
  context_.branches[state_.rip % kBranchEntries] = {
      .tag = state_.rip ^ context_.branch_salt,
      .code = reinterpret_cast<u64>(shared_.EntryOf(block)),
      .pc_base = context_.pc_base,
      .page_id = block.page_id};
}

}  // namespace tandem::jit
