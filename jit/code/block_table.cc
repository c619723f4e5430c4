#include "jit/code/block_table.h"

namespace tandem::jit {

size_t BlockTable::Seek(u64 hash, const BlockKey& key) const {
  size_t at = HomeOf(hash);
  while (!slots_[at].is_free() && !slots_[at].Holds(hash, key)) {
    at = Next(at);
  }
  return at;
}

Block* BlockTable::Find(const BlockKey& key) const { return slots_[Seek(Hash(key), key)].block(); }

void BlockTable::Insert(Block& block) {
  if (8 * used_ >= 7 * slots_.size()) {
    Grow();
  }
  const u64 hash = Hash(block.key);
  Slot& slot = slots_[Seek(hash, block.key)];
  used_ += slot.is_free() ? 1 : 0;
  slot = Slot(hash, block);
}

void BlockTable::Grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (!slot.is_free()) {
      const BlockKey& key = slot.block()->key;
      slots_[Seek(Hash(key), key)] = slot;
    }
  }
}

// Those behind it move up unless that would bring them before their homes.
void BlockTable::Erase(const Block& block) {
  size_t hole = Seek(Hash(block.key), block.key);
  if (slots_[hole].block() != &block) {
    return;
  }
  for (size_t at = Next(hole); !slots_[at].is_free(); at = Next(at)) {
    const size_t mask = slots_.size() - 1;
    const size_t distance = (at - HomeOf(Hash(slots_[at].block()->key))) & mask;
    if (distance >= ((at - hole) & mask)) {
      slots_[hole] = slots_[at];
      hole = at;
    }
  }
  slots_[hole] = {};
  --used_;
}

}  // namespace tandem::jit
