// A binary search tree. One iteration inserts 1024 random keys, looks up 2048 and adds up the tree.
#include "bench.h"

enum { kKeys = 1024 };

struct Node {
  struct Node* child[2];
  u32 key;
  u32 count;
};

static struct Node pool[kKeys];

static void Insert(struct Node** root, struct Node* fresh) {
  while (*root != NULL) {
    if ((*root)->key == fresh->key) {
      ++(*root)->count;
      return;
    }
    root = &(*root)->child[fresh->key > (*root)->key];
  }
  *root = fresh;
}

// The smallest key that is not below.
static u32 LowerBound(const struct Node* node, u32 key) {
  u32 best = 0;
  while (node != NULL) {
    if (node->key < key) {
      node = node->child[1];
    } else {
      best = node->key;
      node = node->child[0];
    }
  }
  return best;
}

static u64 Sum(const struct Node* node, u32 depth) {
  return node == NULL ? depth
                      : Sum(node->child[0], depth + 1) + (u64)node->key * node->count +
                            Sum(node->child[1], depth + 1);
}

u64 RunTree(u64 iterations) {
  u32 seed = 3;
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    struct Node* root = NULL;
    for (int j = 0; j < kKeys; ++j) {
      pool[j] = (struct Node){.key = NextRandom(&seed), .count = 1};
      Insert(&root, &pool[j]);
    }
    for (int j = 0; j < 2 * kKeys; ++j) {
      hash += LowerBound(root, NextRandom(&seed));
    }
    hash = Mix(hash, Sum(root, 0));
  }
  return hash;
}
