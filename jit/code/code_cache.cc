#include "jit/code/code_cache.h"

#include <algorithm>
#include <array>
#include <cstring>

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

std::vector<u64> PagesOf(const Block& block) {
  std::vector<u64> pages;
  for (const GuestSpan& span : block.spans) {
    pages.push_back(AlignDown(span.address, kPage));
  }
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  return pages;
}

}  // namespace

CodeCache::CodeCache(CodeSpace& space, size_t reserved)
    : space_(space), reserved_(reserved), cursor_(ChunkStart(0)) {}

u8* CodeCache::ChunkStart(size_t chunk) const {
  const size_t usable = (space_.size() - reserved_) / kChunks;
  return space_.writable() + reserved_ + chunk * AlignDown(usable, kPage);
}

size_t CodeCache::room() const {
  return static_cast<size_t>(ChunkStart(chunk_ + 1) - cursor_);
}

Block* CodeCache::Find(const BlockKey& key) const {
  const auto it = blocks_.find(key);
  return it == blocks_.end() ? nullptr : it->second;
}

Block* CodeCache::Publish(std::unique_ptr<Block> block) {
  Block* const result = block.get();
  result->Shrink();
  CHECK(result->code == cursor_ && result->code_size <= room());
  cursor_ += std::min(AlignUp(result->code_size, kCodeAlignment), room());
  blocks_[result->key] = result;
  for (const u64 address : PagesOf(*result)) {
    Page& page = pages_[address];
    page.blocks.push_back(result);
    page.granules |= GranulesOf(*result, address);
  }
  for (ExitSite& site : result->exits) {
    if (site.inside != 0) {
      PatchJump(*result, site, result->code + site.inside);
    }
  }
  by_code_[result->code] = std::move(block);
  return result;
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
      std::erase_if(target->incoming, [&](const IncomingLink& link) {
        return link.from == &block && link.site == i;
      });
      Unlink(block, i);
    }
  }
  const auto it = blocks_.find(block.key);
  if (it != blocks_.end() && it->second == &block) {
    blocks_.erase(it);
  }
  for (const u64 page : PagesOf(block)) {
    ForgetPage(block, page);
  }
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
  if (!space_.HoldsExecutable(executable)) {
    return nullptr;
  }
  const u8* const at = space_.ToWritable(executable);
  auto it = by_code_.upper_bound(at);
  if (it == by_code_.begin()) {
    return nullptr;
  }
  Block* const block = std::prev(it)->second.get();
  return at < block->code + block->code_size ? block : nullptr;
}

void CodeCache::RecycleNextChunk() {
  chunk_ = (chunk_ + 1) % kChunks;
  cursor_ = ChunkStart(chunk_);
  const auto first = by_code_.lower_bound(cursor_);
  const auto last = by_code_.lower_bound(ChunkStart(chunk_ + 1));
  for (auto it = first; it != last; ++it) {
    Retire(*it->second);
  }
  by_code_.erase(first, last);
}

}  // namespace tandem::jit
