// An integer mix like that of CoreMark: list, matrix, state machine, CRC. The code is our own.
#include "mix.h"

// Bit by bit, polynomial x^16 + x^12 + x^5 + 1.
u16 MixCrc(u16 crc, u32 value) {
  for (int bit = 0; bit < 32; ++bit) {
    const bool carry = (crc >> 15 ^ value) & 1;
    crc = (u16)(crc << 1);
    if (carry) {
      crc ^= 0x1021;
    }
    value >>= 1;
  }
  return crc;
}

static void FillList(struct MixState* state, u32* seed) {
  state->list = NULL;
  for (u32 i = 0; i < kMixNodes; ++i) {
    struct MixNode* node = &state->nodes[i * 37 % kMixNodes];
    node->key = (short)NextRandom(seed);
    node->place = (u16)i;
    node->next = state->list;
    state->list = node;
  }
}

static void FillMatrices(struct MixMatrices* matrices, u32* seed) {
  for (int i = 0; i < kMixSide; ++i) {
    for (int j = 0; j < kMixSide; ++j) {
      matrices->left[i][j] = (short)(NextRandom(seed) & 0x3ff);
      matrices->right[i][j] = (short)(NextRandom(seed) & 0x3ff);
    }
  }
}

static void FillText(char* text, u32* seed) {
  static const char* const kWords[] = {"5012",  "+88.25", "-1.5e3", "0x7f3A", "T0.3e-1F",
                                       "4.e+7", "--12",   "0xg1",   "31415",  "-.5"};
  size_t used = 0;
  while (used < kMixText) {
    const char* word = kWords[NextRandom(seed) % 10];
    for (; *word != 0 && used < kMixText; ++word) {
      text[used++] = *word;
    }
    if (used < kMixText) {
      text[used++] = ',';
    }
  }
}

u64 RunMix(u64 iterations) {
  struct MixState state;
  u32 seed = 20241;
  FillList(&state, &seed);
  FillMatrices(&state.matrices, &seed);
  FillText(state.text, &seed);
  u64 hash = 0;
  for (u64 i = 0; i < iterations; ++i) {
    u16 crc = MixList(&state, (u32)i);
    crc = MixCrc(crc, MixMatrix(&state.matrices, (short)(i & 0xff)));
    crc = MixCrc(crc, MixScan(state.text, (u32)i));
    hash = Mix(hash, crc);
  }
  return hash;
}
