#include <bit>
#include <cstdlib>

#include "jit/x64/emitter.h"

// Loops whose accesses are checked before they are made: an attempt at each jump back. It finds how
// many times round all streams stay in their cached runs or pages, and goes so often round a copy of the
// loop without checks and polls. Then, or where it fails, the loop itself goes on for one round: it fills
// runs and TLB, and answers who wants attention.
namespace tandem::jit {

using Xbyak::Reg64;
using Xbyak::RegExp;

namespace {

// Guest instructions until the next poll, which bounds the time that an interrupt waits.
constexpr size_t kMaxInsts = 4096;
// What pays for the attempt.
constexpr u32 kMinRounds = 4;

constexpr size_t kLimit = offsetof(MicroEntry, limit);

u32 MostRounds(const FastLoop& loop) {
  return static_cast<u32>(kMaxInsts / (loop.tail - loop.head + 1));
}

unsigned CeilLog2(u64 value) { return static_cast<unsigned>(std::bit_width(value - 1)); }

}  // namespace

// The one that a jump from here to its head closes.
const FastLoop* Emitter::FastLoopTo(size_t head) const {
  for (const FastLoop& loop : fast_loops_) {
    if (loop.head == head && unit_->insts[loop.tail].next() == from_) {
      return &loop;
    }
  }
  return nullptr;
}

// Registers that hold the count and, as far as there are any left, the streams' addends. The guest's
// values wait in memory.
size_t Emitter::BorrowedBy(const FastLoop& loop) const {
  return std::min(loop.unused.size(), 1 + loop.streams.size());
}

void Emitter::Borrow(const FastLoop& loop, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    StoreContext(GprOffset(form_.homes.Of(loop.unused[i])), HostOf(loop.unused[i]));
  }
}

void Emitter::GiveBack(const FastLoop& loop, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    LoadGuest(HostOf(loop.unused[i]), loop.unused[i]);
  }
}

void Emitter::EmitFastLoop(const FastLoop& loop) {
  form_ = {FlagHome::kHost, unit_->homes};
  const size_t borrowed = BorrowedBy(loop);
  const Reg64 count = HostOf(loop.unused[0]);
  refusals_.clear();
  Borrow(loop, 0, 1);
  mov(count.cvt32(), MostRounds(loop));
  for (const Stream& stream : loop.streams) {
    CheckStream(stream, count);
  }
  cmp(count, kMinRounds);
  RefuseIf(kBelow);
  Borrow(loop, 1, borrowed);
  for (size_t i = 1; i < borrowed; ++i) {
    LoadContext(HostOf(loop.unused[i]), StreamAddend(loop.streams[i - 1]));
  }
  const size_t top = getSize();
  const u32 first = Position();
  EmitRound(loop);
  dec(count);
  Land(JumpIf(kNotEqual), top);
  GiveBack(loop, borrowed);
  JumpToLeader(Jump(), loop.head);
  for (const size_t rel32 : refusals_) {
    Land(rel32);
  }
  GiveBack(loop, 1);
  JumpToLeader(Jump(), loop.head);
  block_->MakeExtras().rescues.push_back({first, Position(), Position()});
  GiveBack(loop, borrowed);
  JumpTo(thunks_.interpret);
}

// The loop's instructions once.
void Emitter::EmitRound(const FastLoop& loop) {
  fast_ = &loop;
  for (size_t i = loop.head; i < loop.tail; ++i) {
    from_ = unit_->insts[i].next();
    NotePoint(unit_->insts[i].offset, false);
    EmitInst(i);
  }
  const UnitInst& tail = unit_->insts[loop.tail];
  from_ = tail.next();
  NeedHostFlags();
  LeaveFastIf(tail.inst.condition ^ 1, tail.next());
  fast_ = nullptr;
}

// Out of the copy.
void Emitter::LeaveFastIf(u8 condition, i64 offset) {
  const size_t rel32 = JumpIf(condition);
  Later([this, rel32, offset, loop = fast_, form = form_, from = from_] {
    Land(rel32);
    form_ = form;
    from_ = from;
    GiveBack(*loop, BorrowedBy(*loop));
    GoTo(offset);
  });
}

// count: no more rounds than the stream stays where it is found. Afterwards the addend is there.
void Emitter::CheckStream(const Stream& stream, const Reg64& count) {
  EmitStreamStart(stream);
  stream.run->asks_tlb ? FindInTlb(stream) : FindInRun(stream);
  if (stream.step != 0) {
    const Reg64 left = stream.step > 0 ? Scratch1() : kScratch0;
    shr(left, static_cast<u8>(CeilLog2(static_cast<u64>(std::abs(stream.step)))));
    inc(left);
    cmp(left, count);
    cmovb(count, left);
  }
}

// kScratch0: the bytes before the stream in its run, kScratch1: those behind.
void Emitter::FindInRun(const Stream& stream) {
  const size_t micro = MicroOffset(*stream.run);
  WithContext(kSub, kScratch0, micro + offsetof(MicroEntry, base));
  LoadContext(Scratch1(), micro + kLimit + 8 * SpanClass(stream.size()));
  sub(Scratch1(), kScratch0);
  RefuseIf(kBelow);
}

// Likewise in its page.
void Emitter::FindInTlb(const Stream& stream) {
  AccessPlan whole = *stream.run;
  whole.check_size = stream.size();
  CompareWithTlb(whole);
  RefuseIf(kNotEqual);
  LoadIndexed(kScratch0, Scratch1(), TlbOffset() + offsetof(cpu::TlbEntry, addend));
  StoreContext(StreamAddend(stream), kScratch0);
  EmitStreamStart(stream);
  and_(kScratch0.cvt32(), 4095);
  mov(Scratch1().cvt32(), 4096 - stream.size());
  sub(Scratch1(), kScratch0);
}

// The first linear address of the next round, into kScratch0.
void Emitter::EmitStreamStart(const Stream& stream) {
  if (stream.is_fixed()) {
    EmitLinearOf(unit_->insts[stream.inst]);
    return;
  }
  RegExp address(static_cast<size_t>(stream.low));
  if (stream.base != cpu::kNoRegister) {
    address = address + HostOf(stream.base);
  }
  if (stream.index != cpu::kNoRegister) {
    address = address + HostOf(stream.index) * (1 << stream.scale);
  }
  lea(kScratch0, ptr[address]);
}

size_t Emitter::StreamAddend(const Stream& stream) const { return AddendOffset(*stream.run); }

// The host address of an access in the copy.
HostMem Emitter::FastAddress(size_t i, const AccessPlan& plan) {
  const cpu::MemoryOperand& mem = unit_->insts[i].inst.mem;
  const size_t stream = fast_->stream_of[i - fast_->head];
  const bool has_register = stream + 1 < BorrowedBy(*fast_);
  const Reg64 addend = has_register ? HostOf(fast_->unused[stream + 1]) : kScratch0;
  if (plan.form == AccessForm::kAny) {
    EmitLinearOf(unit_->insts[i]);
    if (has_register) {
      return {static_cast<u8>(kScratch0.getIdx()), static_cast<u8>(addend.getIdx())};
    }
    FreeHostFlags(live_[i].before);
    WithContext(kAdd, kScratch0, StreamAddend(fast_->streams[stream]));
    return {static_cast<u8>(kScratch0.getIdx())};
  }
  if (!has_register) {
    LoadContext(kScratch0, StreamAddend(fast_->streams[stream]));
  }
  return AddressWith(addend, plan, mem);
}

}  // namespace tandem::jit
