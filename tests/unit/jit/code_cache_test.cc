#include "jit/code/code_cache.h"

#include <utility>

// After our headers: it has a CHECK of its own.
#undef CHECK
#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

constexpr u64 kCodePage = 0x7f0000001000;

// A block of 16 bytes of guest code, and as much host code, with one jump out of it.
std::unique_ptr<Block> MakeBlock(CodeCache& cache, u64 address, u64 mode = 1) {
  auto block = std::make_unique<Block>();
  block->key = {address, mode};
  block->spans.push_back({address, 16});
  block->code = cache.cursor();
  block->code_size = 16;
  block->exits.push_back({.rel32 = 1, .stub = 8, .target = address + 16});
  return block;
}

struct Fixture {
  CodeSpace space{1 << 20};
  CodeCache cache{space, 4096};
  MutexLock lock{cache.mutex()};
};

}  // namespace

TEST_CASE("code cache: a retired block is found no more, but among the retired") {
  Fixture f;
  Block* const block = f.cache.Publish(MakeBlock(f.cache, kCodePage + 64));
  f.cache.Retire(*block);
  CHECK(f.cache.Find(block->key) == nullptr);
  CHECK(f.cache.Overlapping(kCodePage, 4096).empty());
  CHECK_EQ(f.cache.FindRetired(block->key), std::vector<Block*>{block});
  CHECK(f.cache.FindRetired({kCodePage + 64, 2}).empty());
}

TEST_CASE("code cache: a revived block is found again, watched, linked, and retired once more") {
  Fixture f;
  Block* const block = f.cache.Publish(MakeBlock(f.cache, kCodePage + 64));
  Block* const target = f.cache.Publish(MakeBlock(f.cache, kCodePage + 80));
  f.cache.Link(*block, 0, *target);
  f.cache.Retire(*block);
  CHECK(block->exits[0].linked == nullptr);
  f.cache.Revive(*block);
  CHECK(f.cache.Find(block->key) == block);
  CHECK(f.cache.FindRetired(block->key).empty());
  CHECK_EQ(f.cache.Granules(kCodePage), 2);
  f.cache.Link(*block, 0, *target);
  CHECK(block->exits[0].linked == target);
  f.cache.Retire(*block);
  CHECK(f.cache.Find(block->key) == nullptr);
  CHECK_EQ(f.cache.FindRetired(block->key).size(), 1);
}

TEST_CASE("code cache: of the retired blocks of an address the newest are kept, the newest first") {
  Fixture f;
  std::vector<Block*> made;
  for (int i = 0; i < 6; ++i) {
    made.push_back(f.cache.Publish(MakeBlock(f.cache, kCodePage)));
    f.cache.Retire(*made.back());
  }
  CHECK_EQ(f.cache.FindRetired({kCodePage, 1}),
           std::vector<Block*>{made[5], made[4], made[3], made[2]});
}

TEST_CASE("code cache: retired blocks go with their chunk") {
  Fixture f;
  Block* const block = f.cache.Publish(MakeBlock(f.cache, kCodePage));
  const BlockKey key = block->key;
  f.cache.Retire(*block);
  for (size_t i = 0; i < CodeCache::kChunks; ++i) {
    f.cache.RecycleNextChunk();
  }
  CHECK(f.cache.FindRetired(key).empty());
}

}  // namespace tandem::jit
