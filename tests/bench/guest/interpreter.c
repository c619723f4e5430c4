// An interpreter with one big switch. Its program sums the lengths of Collatz sequences; one
// iteration runs the program for the starts 1 to 100, some 20,000 instructions of it.
#include "bench.h"

enum Op {
  kSet,
  kMove,
  kAdd,
  kAddTo,
  kAnd,
  kShiftRight,
  kTriple,
  kJump,
  kJumpZero,
  kJumpLess,
  kStore,
  kLoad,
  kStop
};

struct Instruction {
  u8 op, a, b;
  signed char c;
};

enum { kStart, kEnd, kValue, kLength, kTotal, kBit, kOne, kIndex };

static const struct Instruction kProgram[] = {
    {kSet, kOne, 0, 1},
    {kMove, kValue, kStart, 0},  // 1: the next sequence
    {kSet, kLength, 0, 0},
    {kMove, kBit, kValue, 0},  // 3: the next step
    {kAnd, kBit, 0, 1},
    {kJumpZero, kBit, 0, 3},       // to 9
    {kJumpLess, kOne, kValue, 1},  // to 8
    {kJump, 0, 0, 6},              // to 14
    {kTriple, kValue, 0, 1},
    {kAddTo, kLength, 0, 1},  // 9: odd and even
    {kJumpZero, kBit, 0, 1},  // to 12
    {kJump, 0, 0, -9},        // to 3
    {kShiftRight, kValue, 0, 1},
    {kJump, 0, 0, -11},          // to 3
    {kAdd, kTotal, kLength, 0},  // 14: the end of a sequence
    {kMove, kIndex, kStart, 0},
    {kAnd, kIndex, 0, 63},
    {kStore, kTotal, kIndex, 0},
    {kLoad, kBit, kIndex, 0},
    {kAddTo, kStart, 0, 1},
    {kJumpLess, kStart, kEnd, -20},  // to 1
    {kStop, 0, 0, 0},
};

static __attribute__((noinline)) u64 Interpret(u64* r, u64* memory) {
  const struct Instruction* at = kProgram;
  while (true) {
    const struct Instruction i = *at++;
    switch (i.op) {
      case kSet:
        r[i.a] = (u64)i.c;
        break;
      case kMove:
        r[i.a] = r[i.b];
        break;
      case kAdd:
        r[i.a] += r[i.b];
        break;
      case kAddTo:
        r[i.a] += (u64)i.c;
        break;
      case kAnd:
        r[i.a] &= (u64)i.c;
        break;
      case kShiftRight:
        r[i.a] >>= i.c;
        break;
      case kTriple:
        r[i.a] = r[i.a] * 3 + (u64)i.c;
        break;
      case kJump:
        at += i.c;
        break;
      case kJumpZero:
        at += r[i.a] == 0 ? i.c : 0;
        break;
      case kJumpLess:
        at += r[i.a] < r[i.b] ? i.c : 0;
        break;
      case kStore:
        memory[r[i.b]] = r[i.a];
        break;
      case kLoad:
        r[i.a] = memory[r[i.b]];
        break;
      case kStop:
        return r[kTotal];
    }
  }
}

u64 RunInterpreter(u64 iterations) {
  u64 hash = 0;
  u64 memory[64] = {0};
  for (u64 i = 0; i < iterations; ++i) {
    u64 registers[8] = {[kStart] = 1, [kEnd] = 101, [kTotal] = i};
    hash = Mix(hash, Interpret(registers, memory));
  }
  return hash;
}
