#include "accel/lockstep/ram_copies.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/check.h"
#include "devices/bus/address.h"

namespace tandem::accel::lockstep {
namespace {

using devices::RamBlock;

std::shared_ptr<RamBlock> MakeLike(const RamBlock& original, const char* purpose) {
  auto made = RamBlock::Create(original.name() + purpose, original.size());
  CHECK(made.ok());
  return *made;
}

// Calls visit(start, end) with each run of bytes that the block's file holds: the rest is zero.
template <typename Visit>
void ForEachHeldRun(const RamBlock& ram, Visit visit) {
  for (off_t at = 0; static_cast<u64>(at) < ram.size();) {
    const off_t start = ::lseek(ram.fd(), at, SEEK_DATA);
    if (start < 0) {
      return;
    }
    const off_t end = ::lseek(ram.fd(), start, SEEK_HOLE);
    visit(static_cast<u64>(start), static_cast<u64>(end));
    at = end;
  }
}

// Pages that either has written to and that differ.
template <typename Visit>
void ForEachDifferentPage(const RamBlock& a, const RamBlock& b, Visit visit) {
  const auto compare = [&](u64 start, u64 end) {
    for (u64 at = AlignDown(start, kPageSize); at < end; at += kPageSize) {
      if (std::memcmp(a.data() + at, b.data() + at, kPageSize) != 0) {
        visit(at);
      }
    }
  };
  ForEachHeldRun(a, compare);
  ForEachHeldRun(b, compare);
}

void MakeEqual(RamBlock& to, const RamBlock& from) {
  ForEachDifferentPage(from, to, [&](u64 at) {
    std::memcpy(to.data() + at, from.data() + at, kPageSize);
    to.MarkDirty(at, kPageSize);
  });
}

RamSpan Narrow(const RamBlock& a, const RamBlock& b, RamSpan span) {
  u64 first = span.length, last = 0;
  for (u64 i = 0; i < span.length; ++i) {
    if (a.data()[span.offset + i] != b.data()[span.offset + i]) {
      first = std::min(first, i);
      last = i;
    }
  }
  return {span.ram, span.offset + first, last - first + 1};
}

}  // namespace

RamCopies::~RamCopies() = default;

bool RamCopies::IsSame(const RamBlock& a, const RamBlock& b, const RamSpan& span) {
  return std::memcmp(a.data() + span.offset, b.data() + span.offset, span.length) == 0;
}

// Writes to pages with code are told one by one: for the replica, whose engine keeps no code of its
// own there, all pages count as such.
const RamCopies::Block& RamCopies::Of(const std::shared_ptr<RamBlock>& original) {
  const auto known = numbers_.find(original.get());
  if (known != numbers_.end()) {
    return *blocks_[known->second];
  }
  const u32 number = static_cast<u32>(blocks_.size());
  blocks_.push_back(std::make_unique<Block>(
      Block{original, MakeLike(*original, " replica"), MakeLike(*original, " agreed")}));
  numbers_[original.get()] = number;
  RamBlock& replica = *blocks_.back()->replica;
  numbers_[&replica] = number;
  MakeEqual(replica, *original);
  MakeEqual(*blocks_.back()->agreed, *original);
  if (logs_writes_) {
    replica.SetCodeObserver(this);
    for (u64 at = 0; at < replica.size(); at += kPageSize) {
      replica.SetCodeGranules(at, ~u64{0});
    }
  }
  return *blocks_.back();
}

void RamCopies::TakeAll() {
  for (const auto& block : blocks_) {
    MakeEqual(*block->replica, *block->original);
    MakeEqual(*block->agreed, *block->original);
  }
  written_.clear();
}

void RamCopies::Take(const RamSpan& span) {
  const Block& block = *blocks_[span.ram];
  const std::byte* const from = block.original->data() + span.offset;
  std::memcpy(block.replica->data() + span.offset, from, span.length);
  std::memcpy(block.agreed->data() + span.offset, from, span.length);
}

void RamCopies::OnCodeWritten(RamBlock& ram, u64 offset, u64 length) {
  const u32 number = NumberOf(ram);
  if (!written_.empty()) {
    RamSpan& last = written_.back();
    if (last.ram == number && last.offset + last.length == offset) {
      last.length += length;
      return;
    }
  }
  written_.push_back({number, offset, length});
}

std::optional<RamSpan> RamCopies::FindDifference() const {
  if (!logs_writes_) {
    return FindDifferenceAnywhere();
  }
  for (const RamSpan& span : written_) {
    const Block& block = *blocks_[span.ram];
    if (!IsSame(*block.original, *block.replica, span)) {
      return Narrow(*block.original, *block.replica, span);
    }
  }
  return std::nullopt;
}

std::optional<RamSpan> RamCopies::FindDifferenceAnywhere() const {
  for (u32 number = 0; number < blocks_.size(); ++number) {
    const Block& block = *blocks_[number];
    std::optional<u64> page;
    ForEachDifferentPage(*block.original, *block.replica,
                         [&](u64 at) { page = page.value_or(at); });
    if (page) {
      return Narrow(*block.original, *block.replica, {number, *page, kPageSize});
    }
  }
  return std::nullopt;
}

void RamCopies::Settle() { CopyWritten(&Block::agreed, &Block::replica); }
void RamCopies::Rewind() { CopyWritten(&Block::replica, &Block::agreed); }

// All that differs, and nothing counts as written any more.
void RamCopies::CopyWritten(Copy to, Copy from) {
  for (size_t i = 0; !logs_writes_ && i < blocks_.size(); ++i) {
    MakeEqual(*((*blocks_[i]).*to), *((*blocks_[i]).*from));
  }
  for (const RamSpan& span : written_) {
    const Block& block = *blocks_[span.ram];
    std::memcpy((block.*to)->data() + span.offset, (block.*from)->data() + span.offset,
                span.length);
  }
  written_.clear();
}

void RamCopies::RestoreAgreed() {
  for (const auto& block : blocks_) {
    for (u64 at = 0; at < block->agreed->size(); at += kPageSize) {
      block->agreed->SetCodeGranules(at, 0);
    }
    MakeEqual(*block->agreed, *block->replica);
  }
}

}  // namespace tandem::accel::lockstep
