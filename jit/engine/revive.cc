#include <algorithm>

#include "jit/engine/content_hash.h"
#include "jit/engine/shared_code.h"

// Code that was overwritten and stands in memory again, as when the guest switches between two forms
// of a function: the block that was made of it serves once more.
namespace tandem::jit {

// Null: there is none, or a page of it cannot be claimed now.
const Block* SharedCode::Revive(CodeUser& user, const BlockKey& key, MappedWindow& window) {
  Block* const block = FindRevivable(key, window);
  if (block == nullptr || !ClaimPagesOf(user, *block, window)) {
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

bool SharedCode::ClaimPagesOf(CodeUser& user, const Block& block, MappedWindow& window) {
  return Claim(user, *window.GuestAt(0)) &&
         std::ranges::all_of(block.other_pages(), [&](const OtherPage& page) {
           return Claim(user, *window.GuestAt(page.page));
         });
}

// From here on writes to its bytes are seen; false: some came before, or another vCPU was faster.
bool SharedCode::ReviveClaimed(Block& block, MappedWindow& window,
                               std::vector<RetiredCode>& retired) {
  MutexLock lock(cache_.mutex());
  if (!block.retired || cache_.Find(block.key) != nullptr || !AreClaimed(block, window)) {
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

bool SharedCode::AreClaimed(const Block& block, MappedWindow& window) {
  const auto is_claimed = [&](i64 page) {
    const GuestPage& guest = *window.GuestAt(page);
    return guest.ram->HasCode(guest.offset);
  };
  return is_claimed(0) &&
         std::ranges::all_of(block.other_pages(), [&](const OtherPage& page) { return is_claimed(page.page); });
}

}  // namespace tandem::jit
