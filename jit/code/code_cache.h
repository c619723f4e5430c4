#pragma once

#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "jit/code/block_table.h"
#include "jit/code/code_space.h"

namespace tandem::jit {

// All translated blocks, by key, by guest page and by host address, with the jumps between them.
// Callers hold mutex() for every call.
class CodeCache {
 public:
  static constexpr size_t kChunks = 16;

  // reserved: bytes at the start of the space that hold no blocks.
  CodeCache(CodeSpace& space, size_t reserved);

  Mutex& mutex() { return mu_; }

  Block* Find(const BlockKey& key) const;
  // Where the next block's code is written; room() bytes are free there.
  u8* cursor() const { return cursor_; }
  size_t room() const;
  // The block's code stands at cursor(); code_size says how much.
  Block* Publish(std::unique_ptr<Block> block);

  // The jump leads straight to the target from now on.
  void Link(Block& from, u32 site, Block& to);
  // No jump leads to the block and no search finds it any more. Its code stays until its chunk is
  // used again: somebody may be in it.
  void Retire(Block& block);

  // Retired blocks of this key whose code still stands, the newest first.
  std::vector<Block*> FindRetired(const BlockKey& key) const;
  // A retired block is found again, in the place of one with the same key; nothing is linked to it.
  void Revive(Block& block);

  // The blocks with bytes in [address, address + length), which lies in one guest page.
  std::vector<Block*> Overlapping(u64 address, u64 length) const;
  // A bit for each 64 bytes of the page that belong to a block.
  u64 Granules(u64 page_address) const;
  // Forgets those of blocks that went.
  void ShrinkGranules(u64 page_address);
  // The block whose code holds the executable address; null if there is none.
  Block* FindByCode(const u8* executable) const;

  // Goes on to the next chunk, whose blocks are all dropped: nobody may be in their code.
  void RecycleNextChunk();

  const CodeSpace& space() const { return space_; }

 private:
  // Of one chunk, in the order of their code.
  using ChunkBlocks = std::vector<std::unique_ptr<Block>>;

  size_t ChunkSize() const;
  u8* ChunkStart(size_t chunk) const;
  void Unlink(Block& from, u32 site);
  void ForgetPage(Block& block, u64 page);
  void Enlist(Block& block);
  void KeepRetired(Block& block);
  void DropRetired(const Block& block);
  void PatchJump(Block& from, const ExitSite& site, const u8* target);

  CodeSpace& space_;
  const size_t reserved_;
  Mutex mu_{LockRank::kLeaf};  // guards everything below
  BlockTable blocks_;
  struct Page {
    std::vector<Block*> blocks;
    u64 granules = 0;  // that blocks have covered; those that went may have left some
  };
  std::unordered_map<u64, Page> pages_;
  static constexpr size_t kKeptRetired = 4;  // of each address
  std::unordered_map<u64, std::vector<Block*>> retired_;  // by address of the key, the oldest first
  std::array<ChunkBlocks, kChunks> chunks_;
  size_t chunk_ = 0;
  u8* cursor_;
};

}  // namespace tandem::jit
