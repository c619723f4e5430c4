#include <algorithm>

#include "jit/engine/content_hash.h"
#include "jit/engine/shared_code.h"

// Code that was overwritten and stands in memory again, as when the guest switches between two forms
// of a function: the block that was made of it serves once more.
namespace tandem::jit {
namespace {

std::vector<i64> OtherPagesOf(const Block& block) {
  std::vector<i64> pages;
  for (const OtherPage& page : block.other_pages()) {
    pages.push_back(page.page);
  }
  return pages;
}

}  // namespace

// Null: there is none, or a page of it cannot be claimed now.
const Block* SharedCode::Revive(CodeUser& user, const BlockKey& key, MappedWindow& window) {
  Block* const block = FindRevivable(key, window);
  if (block == nullptr || !ClaimAll(user, window, OtherPagesOf(*block))) {
    return nullptr;
  }
  std::vector<RetiredCode> retired;
  const bool is_revived = ReviveClaimed(*block, window, retired);
  TellOf(retired);
  return is_revived ? block : nullptr;
}

Block* SharedCode::FindRevivable(const BlockKey& key, MappedWindow& window) {
  std::vector<Block*> blocks;
  {
    MutexLock lock(cache_.mutex());
    blocks = cache_.FindRetired(key);
  }
  const auto found = std::find_if(blocks.begin(), blocks.end(), [&](const Block* block) {
    return ContentNow(*block) == block->content && IsMapped(*block, window);
  });
  return found == blocks.end() ? nullptr : *found;
}

// From here on writes to its bytes are seen; false: some came before, or another vCPU was faster.
bool SharedCode::ReviveClaimed(Block& block, MappedWindow& window,
                               std::vector<RetiredCode>& retired) {
  MutexLock lock(cache_.mutex());
  if (!block.retired || cache_.Find(block.key) != nullptr ||
      !AreClaimed(window, OtherPagesOf(block))) {
    return false;
  }
  cache_.Revive(block);
  UpdateGranules(block, window);
  if (ContentNow(block) != block.content) {
    Retire(block, retired);
    return false;
  }
  ++counts_.revived;
  return true;
}

}  // namespace tandem::jit
