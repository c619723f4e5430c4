#pragma once

#include <vector>

#include "jit/code/block.h"

namespace tandem::jit {

// Blocks by key, which they must keep while they are here. One access to memory finds most.
class BlockTable {
 public:
  BlockTable() : slots_(kMinSlots) {}

  // Null: there is none.
  Block* Find(const BlockKey& key) const;
  // In the place of one with the same key.
  void Insert(Block& block);
  // Does nothing if another one has its place.
  void Erase(const Block& block);

 private:
  static constexpr size_t kMinSlots = 1024;  // a power of two, as all sizes are

  // The address of a block and, in the upper sixteen bits that no address has, a part of its key's hash;
  // zero: free.
  class Slot {
   public:
    Slot() = default;
    Slot(u64 hash, const Block& block) : word_(Tag(hash) | reinterpret_cast<u64>(&block)) {}
    bool is_free() const { return word_ == 0; }
    Block* block() const { return reinterpret_cast<Block*>(word_ & kAddress); }
    bool Holds(u64 hash, const BlockKey& key) const {
      return (word_ & ~kAddress) == Tag(hash) && block()->key == key;
    }

   private:
    static constexpr u64 kAddress = (u64{1} << 48) - 1;
    static u64 Tag(u64 hash) { return hash << 48; }

    u64 word_ = 0;
  };

  static u64 Hash(const BlockKey& key) {
    return (key.address ^ (key.mode << 20) ^ (key.mode >> 44)) * 0x9e3779b97f4a7c15;
  }
  size_t HomeOf(u64 hash) const { return hash >> 32 & (slots_.size() - 1); }
  size_t Next(size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  // Where the key is, or the free slot where it would be.
  size_t Seek(u64 hash, const BlockKey& key) const;
  void Grow();

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace tandem::jit
