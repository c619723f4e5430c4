#include "mix.h"

static void AddToAll(short matrix[kMixSide][kMixSide], short value) {
  for (int i = 0; i < kMixSide; ++i) {
    for (int j = 0; j < kMixSide; ++j) {
      matrix[i][j] = (short)(matrix[i][j] + value);
    }
  }
}

static void Multiply(struct MixMatrices* matrices) {
  for (int i = 0; i < kMixSide; ++i) {
    for (int j = 0; j < kMixSide; ++j) {
      int sum = 0;
      for (int k = 0; k < kMixSide; ++k) {
        sum += matrices->left[i][k] * matrices->right[k][j];
      }
      matrices->product[i][j] = sum;
    }
  }
}

static void MultiplyBits(struct MixMatrices* matrices) {
  for (int i = 0; i < kMixSide; ++i) {
    for (int j = 0; j < kMixSide; ++j) {
      int sum = 0;
      for (int k = 0; k < kMixSide; ++k) {
        const int term = matrices->left[i][k] * matrices->right[j][k];
        sum += (term >> 2 & 0xf) * (term >> 5 & 0x7f);
      }
      matrices->product[i][j] ^= sum;
    }
  }
}

// Counts rises above a limit, as a filter would.
static u16 Rises(const struct MixMatrices* matrices) {
  int previous = 0, sum = 0;
  u16 rises = 0;
  for (int i = 0; i < kMixSide; ++i) {
    for (int j = 0; j < kMixSide; ++j) {
      const int value = matrices->product[i][j];
      sum += value >> 8;
      if (sum > 4000) {
        rises = (u16)(rises + 10);
        sum = 0;
      } else if (value > previous) {
        ++rises;
      }
      previous = value;
    }
  }
  return rises;
}

u16 MixMatrix(struct MixMatrices* matrices, short round) {
  AddToAll(matrices->left, round);
  Multiply(matrices);
  u16 crc = MixCrc(0, Rises(matrices));
  MultiplyBits(matrices);
  crc = MixCrc(crc, Rises(matrices));
  AddToAll(matrices->left, (short)-round);
  return crc;
}
