// SHA-256 after FIPS 180-4. One iteration hashes 4 KiB; each starts from the last one's result.
#include "bench.h"

typedef unsigned __int128 u128;

enum { kBlocks = 64 };

static u32 constants[64];
static u32 start[8];

static u128 Power(u64 base, int exponent) {
  return exponent == 2 ? (u128)base * base : (u128)base * base * base;
}

// The first 32 bits of the fraction of the square (2) or cube (3) root.
static u32 RootFraction(u32 number, int exponent) {
  const u128 scaled = (u128)number << (32 * exponent);
  u64 root = 0;
  for (int bit = 37; bit >= 0; --bit) {
    const u64 tried = root | (u64)1 << bit;
    if (Power(tried, exponent) <= scaled) {
      root = tried;
    }
  }
  return (u32)root;
}

static bool IsPrime(u32 number) {
  for (u32 i = 2; i * i <= number; ++i) {
    if (number % i == 0) {
      return false;
    }
  }
  return true;
}

static void MakeConstants(void) {
  u32 count = 0;
  for (u32 number = 2; count < 64; ++number) {
    if (IsPrime(number)) {
      if (count < 8) {
        start[count] = RootFraction(number, 2);
      }
      constants[count++] = RootFraction(number, 3);
    }
  }
}

static inline u32 Rotate(u32 x, int count) { return x >> count | x << (32 - count); }

static void Expand(u32 w[64], const u8* block) {
  for (int i = 0; i < 16; ++i) {
    u32 word;
    memcpy(&word, block + 4 * i, 4);
    w[i] = __builtin_bswap32(word);
  }
  for (int i = 16; i < 64; ++i) {
    const u32 a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (Rotate(a, 7) ^ Rotate(a, 18) ^ a >> 3) +
           (Rotate(b, 17) ^ Rotate(b, 19) ^ b >> 10);
  }
}

static void Compress(u32 state[8], const u8* block) {
  u32 w[64];
  Expand(w, block);
  u32 a = state[0], b = state[1], c = state[2], d = state[3];
  u32 e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; ++i) {
    const u32 first = h + (Rotate(e, 6) ^ Rotate(e, 11) ^ Rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                      constants[i] + w[i];
    const u32 second =
        (Rotate(a, 2) ^ Rotate(a, 13) ^ Rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

// The example of the standard: the digest of "abc".
static void CheckExample(void) {
  u8 block[64] = "abc\x80";
  block[63] = 24;
  u32 state[8];
  memcpy(state, start, sizeof(state));
  Compress(state, block);
  if (state[0] != 0xba7816bf || state[7] != 0xf20015ad) {
    Fail("sha256 of abc");
  }
}

u64 RunSha256(u64 iterations) {
  static u8 data[kBlocks][64];
  MakeConstants();
  CheckExample();
  memset(data, 0x5a, sizeof(data));
  u32 state[8];
  memcpy(state, start, sizeof(state));
  for (u64 i = 0; i < iterations; ++i) {
    memcpy(data[0], state, sizeof(state));
    for (int block = 0; block < kBlocks; ++block) {
      Compress(state, data[block]);
    }
  }
  return MixBytes(0, state, sizeof(state));
}
