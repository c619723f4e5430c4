// Indirect calls through a table of sixteen functions, in an order that no predictor learns. One
// iteration is 1000 calls.
#include "bench.h"

typedef u32 Function(u32 x);

#define FUNCTION(name, expression) \
  static u32 name(u32 x) { return expression; }
FUNCTION(Add, x + 0x1234567)
FUNCTION(Subtract, x - 0x7654321)
FUNCTION(Triple, x * 3)
FUNCTION(Shift, x ^ x >> 3)
FUNCTION(Invert, ~x)
FUNCTION(Negate, 0 - x)
FUNCTION(Rotate, x << 5 | x >> 27)
FUNCTION(Swap, __builtin_bswap32(x))
FUNCTION(Flip, x ^ 0x5555aaaa)
FUNCTION(Double, x + x)
FUNCTION(Nine, x * 9 + 1)
FUNCTION(Fold, (x >> 16) + (x << 16))
FUNCTION(SetOdd, x | 1)
FUNCTION(Sum, x + (x >> 7))
FUNCTION(Step, x + 1)
FUNCTION(Spread, x * 0x01000193)

static Function* const kTable[16] = {Add,  Subtract, Triple, Shift, Invert, Negate, Rotate, Swap,
                                     Flip, Double,   Nine,   Fold,  SetOdd, Sum,    Step,   Spread};

u64 RunCalls(u64 iterations) {
  u32 seed = 8;
  u32 x = 1;
  for (u64 i = 0; i < iterations; ++i) {
    for (int j = 0; j < 1000; ++j) {
      x = kTable[NextRandom(&seed) & 15](x);
    }
  }
  return x;
}
