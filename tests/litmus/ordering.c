// Stores and loads of two variables.
#include "litmus.h"

#include <stddef.h>

#define FENCE() __asm__ volatile("mfence" ::: "memory")

static void Exchange(volatile u64* at, u64 value) {
  __asm__ volatile("xchg %0, %1" : "+m"(*at), "+r"(value)::"memory");
}

// Stores, then loads the other one.
static void StoreXLoadY(struct Row* row) {
  row->x = 1;
  row->seen[0][0] = row->y;
}
static void StoreYLoadX(struct Row* row) {
  row->y = 1;
  row->seen[1][0] = row->x;
}
static void StoreXFenceLoadY(struct Row* row) {
  row->x = 1;
  FENCE();
  row->seen[0][0] = row->y;
}
static void StoreYFenceLoadX(struct Row* row) {
  row->y = 1;
  FENCE();
  row->seen[1][0] = row->x;
}
static void ExchangeXLoadY(struct Row* row) {
  Exchange(&row->x, 1);
  row->seen[0][0] = row->y;
}
static void ExchangeYLoadX(struct Row* row) {
  Exchange(&row->y, 1);
  row->seen[1][0] = row->x;
}
static int BothMissed(const struct Row* row) {
  return row->seen[0][0] == 0 && row->seen[1][0] == 0;
}
static enum Verdict MayBothMiss(const struct Row* row) {
  return BothMissed(row) ? kRelaxed : kOrdinary;
}
static enum Verdict MustNotBothMiss(const struct Row* row) {
  return BothMissed(row) ? kForbidden : kOrdinary;
}

// A message and its flag.
static void StoreXStoreY(struct Row* row) {
  row->x = 1;
  row->y = 1;
}
static void LoadYLoadX(struct Row* row) {
  row->seen[1][0] = row->y;
  row->seen[1][1] = row->x;
}
static enum Verdict FlagWithoutMessage(const struct Row* row) {
  return row->seen[1][0] == 1 && row->seen[1][1] == 0 ? kForbidden : kOrdinary;
}

// Loads, then stores the other one.
static void LoadXStoreY(struct Row* row) {
  row->seen[0][0] = row->x;
  row->y = 1;
}
static void LoadYStoreX(struct Row* row) {
  row->seen[1][0] = row->y;
  row->x = 1;
}
static enum Verdict BothSawTheFuture(const struct Row* row) {
  return row->seen[0][0] == 1 && row->seen[1][0] == 1 ? kForbidden : kOrdinary;
}

// Two stores each, in opposite orders.
static void StoreX1StoreY2(struct Row* row) {
  row->x = 1;
  row->y = 2;
}
static void StoreY1StoreX2(struct Row* row) {
  row->y = 1;
  row->x = 2;
}
static enum Verdict FirstsAreLast(const struct Row* row) {
  return row->x == 1 && row->y == 1 ? kForbidden : kOrdinary;
}

// A processor's loads of one place do not go back.
static void StoreX(struct Row* row) { row->x = 1; }
static void LoadXTwice(struct Row* row) {
  row->seen[1][0] = row->x;
  row->seen[1][1] = row->x;
}
static enum Verdict WentBack(const struct Row* row) {
  return row->seen[1][0] == 1 && row->seen[1][1] == 0 ? kForbidden : kOrdinary;
}

// Independent reads of independent writes: all see stores in one order.
static void StoreY(struct Row* row) { row->y = 1; }
static void LoadXLoadYThird(struct Row* row) {
  row->seen[2][0] = row->x;
  row->seen[2][1] = row->y;
}
static void LoadYLoadXFourth(struct Row* row) {
  row->seen[3][0] = row->y;
  row->seen[3][1] = row->x;
}
static enum Verdict OrdersDiffer(const struct Row* row) {
  return row->seen[2][0] == 1 && row->seen[2][1] == 0 && row->seen[3][0] == 1 &&
                 row->seen[3][1] == 0
             ? kForbidden
             : kOrdinary;
}

// Cause and effect through a third processor.
static void LoadXStoreYSecond(struct Row* row) {
  row->seen[1][0] = row->x;
  row->y = row->seen[1][0];
}
static void LoadYLoadXThird(struct Row* row) {
  row->seen[2][0] = row->y;
  row->seen[2][1] = row->x;
}
static enum Verdict EffectWithoutCause(const struct Row* row) {
  return row->seen[2][0] == 1 && row->seen[2][1] == 0 ? kForbidden : kOrdinary;
}

const struct Litmus kLitmusTests[] = {
    {"SB", 2, {StoreXLoadY, StoreYLoadX}, MayBothMiss},
    {"SB+mfences", 2, {StoreXFenceLoadY, StoreYFenceLoadX}, MustNotBothMiss},
    {"SB+xchgs", 2, {ExchangeXLoadY, ExchangeYLoadX}, MustNotBothMiss},
    {"MP", 2, {StoreXStoreY, LoadYLoadX}, FlagWithoutMessage},
    {"LB", 2, {LoadXStoreY, LoadYStoreX}, BothSawTheFuture},
    {"2+2W", 2, {StoreX1StoreY2, StoreY1StoreX2}, FirstsAreLast},
    {"CoRR", 2, {StoreX, LoadXTwice}, WentBack},
    {"WRC", 3, {StoreX, LoadXStoreYSecond, LoadYLoadXThird}, EffectWithoutCause},
    {"IRIW", 4, {StoreX, StoreY, LoadXLoadYThird, LoadYLoadXFourth}, OrdersDiffer},
    {NULL, 0, {NULL}, NULL},
};
