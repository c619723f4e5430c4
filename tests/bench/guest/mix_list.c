#include "mix.h"

typedef bool ComesFirst(const struct MixNode* a, const struct MixNode* b);

static bool ByKey(const struct MixNode* a, const struct MixNode* b) {
  return a->key < b->key || (a->key == b->key && a->place < b->place);
}

static bool ByPlace(const struct MixNode* a, const struct MixNode* b) {
  return a->place < b->place;
}

static struct MixNode* Merge(struct MixNode* a, struct MixNode* b, ComesFirst* comes_first) {
  struct MixNode* head = NULL;
  struct MixNode** end = &head;
  while (a != NULL && b != NULL) {
    struct MixNode** taken = comes_first(b, a) ? &b : &a;
    *end = *taken;
    end = &(*taken)->next;
    *taken = *end;
  }
  *end = a != NULL ? a : b;
  return head;
}

static struct MixNode* Sort(struct MixNode* list, u32 length, ComesFirst* comes_first) {
  if (length < 2) {
    return list;
  }
  struct MixNode* last = list;
  for (u32 i = 1; i < length / 2; ++i) {
    last = last->next;
  }
  struct MixNode* rest = last->next;
  last->next = NULL;
  return Merge(Sort(list, length / 2, comes_first), Sort(rest, length - length / 2, comes_first),
               comes_first);
}

static struct MixNode* Reverse(struct MixNode* list) {
  struct MixNode* reversed = NULL;
  while (list != NULL) {
    struct MixNode* next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

static u32 Distance(const struct MixNode* list, u16 place) {
  u32 steps = 0;
  for (; list != NULL && list->place != place; list = list->next) {
    ++steps;
  }
  return steps;
}

u16 MixList(struct MixState* state, u32 round) {
  u16 crc = 0;
  state->list = Sort(state->list, kMixNodes, ByKey);
  for (u32 i = 0; i < 24; ++i) {
    crc = MixCrc(crc, Distance(state->list, (u16)((round + i * 7) % kMixNodes)));
    state->list = Reverse(state->list);
  }
  for (const struct MixNode* node = state->list; node != NULL; node = node->next) {
    crc = (u16)(crc * 31 + (u16)node->key);
  }
  state->nodes[round % kMixNodes].key ^= (short)round;
  state->list = Sort(state->list, kMixNodes, ByPlace);
  return crc;
}
