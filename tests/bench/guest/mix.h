#pragma once

#include "bench.h"

enum { kMixNodes = 96, kMixSide = 14, kMixText = 240 };

// A linked list of numbers, built in nodes[].
struct MixNode {
  struct MixNode* next;
  short key;
  u16 place;
};

struct MixMatrices {
  short left[kMixSide][kMixSide];
  short right[kMixSide][kMixSide];
  int product[kMixSide][kMixSide];
};

struct MixState {
  struct MixNode nodes[kMixNodes];
  struct MixNode* list;
  struct MixMatrices matrices;
  char text[kMixText];
};

u16 MixCrc(u16 crc, u32 value);
u16 MixList(struct MixState* state, u32 round);
u16 MixMatrix(struct MixMatrices* matrices, short round);
u16 MixScan(char* text, u32 round);
