#include "jit/code/block_table.h"

namespace tandem::jit {

size_t BlockTable::Seek(u64 hash, const BlockKey& key) const {
  size_t at = HomeOf(hash);
  while (slots_[at].block != nullptr &&
         !(slots_[at].hash == hash && slots_[at].block->key == key)) {
    at = Next(at);
  }
  return at;
}

Block* BlockTable::Find(const BlockKey& key) const { return slots_[Seek(Hash(key), key)].block; }

void BlockTable::Insert(Block& block) {
  if (4 * used_ >= 3 * slots_.size()) {
    Grow();
  }
  const u64 hash = Hash(block.key);
  Slot& slot = slots_[Seek(hash, block.key)];
  used_ += slot.block == nullptr ? 1 : 0;
  slot = {hash, &block};
}

void BlockTable::Grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.block != nullptr) {
      slots_[Seek(slot.hash, slot.block->key)] = slot;
    }
  }
}

// Those behind it move up unless that would bring them before their homes.
void BlockTable::Erase(const Block& block) {
  size_t hole = Seek(Hash(block.key), block.key);
  if (slots_[hole].block != &block) {
    return;
  }
  for (size_t at = Next(hole); slots_[at].block != nullptr; at = Next(at)) {
    const size_t mask = slots_.size() - 1;
    const size_t distance = (at - HomeOf(slots_[at].hash)) & mask;
    if (distance >= ((at - hole) & mask)) {
      slots_[hole] = slots_[at];
      hole = at;
    }
  }
  slots_[hole] = {};
  --used_;
}

}  // namespace tandem::jit
