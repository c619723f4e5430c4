// Sum of divisions in long double: x87. One iteration is 1000 divisions.
#include "bench.h"

u64 RunX87(u64 iterations) {
  long double sum = 0;
  long double divisor = 1;
  for (u64 i = 0; i < iterations; ++i) {
    for (int j = 0; j < 1000; ++j) {
      sum += 1 / divisor;
      divisor += 1;
    }
  }
  return MixBytes(0, &sum, 10);
}
