#include "jit/code/code_cache.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "base/bits.h"
#include "base/check.h"

namespace tandem::jit {
namespace {

constexpr u64 kPage = 4096;
constexpr size_t kCodeAlignment = 16;
constexpr u64 kGranule = 64;

// The granules that size bytes from an offset in a page touch.
u64 GranulesOf(u64 offset, u64 size) {
  if (size == 0) {
    return 0;
  }
  return BitSpan(static_cast<unsigned>(offset / kGranule),
                 static_cast<unsigned>((offset + size - 1) / kGranule));
}

// Those of a block in one page.
u64 GranulesOf(const Block& block, u64 page) {
  u64 mask = 0;
  for (const GuestSpan& span : block.spans) {
    if (AlignDown(span.address, kPage) == page) {
      mask |= GranulesOf(span.address - page, span.size);
    }
  }
  return mask;
}

// Calls back with each page that has bytes of a block.
template <typename Visitor>
void VisitPages(const Block& block, Visitor visit) {
  const auto page_of = [](const GuestSpan& span) { return AlignDown(span.address, kPage); };
  for (auto span = block.spans.begin(); span != block.spans.end(); ++span) {
    const bool is_known = std::any_of(block.spans.begin(), span, [&](const GuestSpan& earlier) {
      return page_of(earlier) == page_of(*span);
    });
    if (!is_known) {
      visit(page_of(*span));
    }
  }
}

}  // namespace

CodeCache::CodeCache(CodeSpace& space, size_t reserved)
    : space_(space), reserved_(reserved), cursor_(ChunkStart(0)) {}

size_t CodeCache::ChunkSize() const {
  return AlignDown((space_.size() - reserved_) / kChunks, kPage);
}

u8* CodeCache::ChunkStart(size_t chunk) const {
  return space_.writable() + reserved_ + chunk * ChunkSize();
}

size_t CodeCache::room() const {
  return static_cast<size_t>(ChunkStart(chunk_ + 1) - cursor_);
}

Block* CodeCache::Find(const BlockKey& key) const { return blocks_.Find(key); }

Block* CodeCache::Publish(std::unique_ptr<Block> block) {
  Block* const result = block.get();
  result->Shrink();
  CHECK(result->code == cursor_ && result->code_size <= room());
  cursor_ += std::min(AlignUp(result->code_size, kCodeAlignment), room());
  Enlist(*result);
  chunks_[chunk_].push_back(std::move(block));
  return result;
}

// Lets it be found, and its jumps lead to where they go within it.
void CodeCache::Enlist(Block& block) {
  blocks_.Insert(block);
  VisitPages(block, [&](u64 address) {
    Page& page = pages_[address];
    page.blocks.push_back(&block);
    page.granules |= GranulesOf(block, address);
  });
  for (const ExitSite& site : block.exits) {
    if (site.inside != 0) {
      PatchJump(block, site, block.code + site.inside);
    }
  }
}

// The displacement lies within eight aligned bytes, so that it changes at once for those who run
// over it.
void CodeCache::PatchJump(Block& from, const ExitSite& site, const u8* target) {
  u8* const at = from.code + site.rel32;
  const i32 displacement = static_cast<i32>(target - (at + 4));
  // One store: at any alignment within eight bytes others see all of it or nothing.
  asm volatile("movl %1, %0" : "=m"(*reinterpret_cast<std::array<u8, 4>*>(at)) : "r"(displacement));
}

void CodeCache::Link(Block& from, u32 index, Block& to) {
  ExitSite& site = from.exits[index];
  if (from.retired || to.retired || site.linked != nullptr) {
    return;
  }
  site.linked = &to;
  to.incoming.push_back({&from, index});
  const bool in_host = site.flags_in_host;
  PatchJump(from, site, to.code + (in_host ? to.entry_in_host : to.entry_in_memory));
}

void CodeCache::Unlink(Block& from, u32 index) {
  ExitSite& site = from.exits[index];
  PatchJump(from, site, from.code + site.stub);
  site.linked = nullptr;
}

void CodeCache::Retire(Block& block) {
  if (block.retired) {
    return;
  }
  block.retired = true;
  for (const IncomingLink& link : block.incoming) {
    Unlink(*link.from, link.site);
  }
  block.incoming.clear();
  for (u32 i = 0; i < block.exits.size(); ++i) {
    if (block.exits[i].inside != 0) {
      Unlink(block, i);
    }
    if (Block* target = block.exits[i].linked) {
      target->incoming.erase_if([&](const IncomingLink& link) {
        return link.from == &block && link.site == i;
      });
      Unlink(block, i);
    }
  }
  blocks_.Erase(block);
  VisitPages(block, [&](u64 page) { ForgetPage(block, page); });
  KeepRetired(block);
}

void CodeCache::KeepRetired(Block& block) {
  std::vector<Block*>& kept = retired_[block.key.address];
  if (kept.size() >= kKeptRetired) {
    kept.erase(kept.begin());
  }
  kept.push_back(&block);
}

void CodeCache::DropRetired(const Block& block) {
  const auto it = retired_.find(block.key.address);
  if (it != retired_.end() && std::erase(it->second, &block) != 0 && it->second.empty()) {
    retired_.erase(it);
  }
}

std::vector<Block*> CodeCache::FindRetired(const BlockKey& key) const {
  std::vector<Block*> result;
  if (const auto it = retired_.find(key.address); it != retired_.end()) {
    std::copy_if(it->second.rbegin(), it->second.rend(), std::back_inserter(result),
                 [&](const Block* block) { return block->key == key; });
  }
  return result;
}

void CodeCache::Revive(Block& block) {
  CHECK(block.retired);
  DropRetired(block);
  block.retired = false;
  Enlist(block);
}

void CodeCache::ForgetPage(Block& block, u64 page) {
  const auto it = pages_.find(page);
  std::erase(it->second.blocks, &block);
  if (it->second.blocks.empty()) {
    pages_.erase(it);
  }
}

std::vector<Block*> CodeCache::Overlapping(u64 address, u64 length) const {
  std::vector<Block*> result;
  const auto page = pages_.find(AlignDown(address, kPage));
  if (page == pages_.end()) {
    return result;
  }
  for (Block* block : page->second.blocks) {
    if (block->Overlaps(address, length)) {
      result.push_back(block);
    }
  }
  return result;
}

u64 CodeCache::Granules(u64 page_address) const {
  const auto page = pages_.find(page_address);
  return page == pages_.end() ? 0 : page->second.granules;
}

void CodeCache::ShrinkGranules(u64 page_address) {
  const auto it = pages_.find(page_address);
  if (it != pages_.end()) {
    it->second.granules = 0;
    for (const Block* block : it->second.blocks) {
      it->second.granules |= GranulesOf(*block, page_address);
    }
  }
}

Block* CodeCache::FindByCode(const u8* executable) const {
  const u8* const at = space_.ToWritable(executable);
  const size_t chunk = static_cast<size_t>(at - ChunkStart(0)) / ChunkSize();
  if (!space_.HoldsExecutable(executable) || at < ChunkStart(0) || chunk >= kChunks) {
    return nullptr;
  }
  const ChunkBlocks& blocks = chunks_[chunk];
  const auto next = std::upper_bound(
      blocks.begin(), blocks.end(), at,
      [](const u8* place, const auto& block) { return place < block->code; });
  if (next == blocks.begin()) {
    return nullptr;
  }
  Block* const block = std::prev(next)->get();
  return at < block->code + block->code_size ? block : nullptr;
}

void CodeCache::RecycleNextChunk() {
  chunk_ = (chunk_ + 1) % kChunks;
  cursor_ = ChunkStart(chunk_);
  for (const auto& block : chunks_[chunk_]) {
    Retire(*block);
    DropRetired(*block);
  }
  chunks_[chunk_].clear();
}

}  // namespace tandem::jit
