// A compressor of the LZ77 family: a hash table of the last place of each three bytes, greedy
// matches, byte tokens. One iteration compresses 16 KiB of text.
#include "bench.h"

enum { kInput = 16384, kHashBits = 12, kShortest = 4, kLongest = 127 + kShortest };

static u8 input[kInput];
static u8 output[kInput * 2];
static u16 last_place[1 << kHashBits];  // 0: none

static void MakeText(void) {
  static const char* const kSyllables[] = {"ba", "tan", "de",  "mi", "kor ", "su", "len", "pa ",
                                           "ri", "vo",  "ste", "ne", "qua",  "l ", "ing", "o, "};
  u32 seed = 31;
  size_t used = 0;
  while (used < kInput) {
    const char* syllable = kSyllables[NextRandom(&seed) >> 7 & 15];
    for (; *syllable != 0 && used < kInput; ++syllable) {
      input[used++] = (u8)*syllable;
    }
  }
}

static u32 Hash(const u8* bytes) {
  const u32 three = bytes[0] | bytes[1] << 8 | bytes[2] << 16;
  return three * 2654435761u >> (32 - kHashBits);
}

static u32 MatchLength(u32 earlier, u32 place) {
  u32 length = 0;
  while (length < kLongest && place + length < kInput &&
         input[earlier + length] == input[place + length]) {
    ++length;
  }
  return length;
}

// Tokens: 0..127 is that many literals less one, 128.. a match: its length, then the distance.
static size_t PutLiterals(size_t used, u32 from, u32 to) {
  while (from < to) {
    const u32 count = to - from < 128 ? to - from : 128;
    output[used++] = (u8)(count - 1);
    memcpy(output + used, input + from, count);
    used += count;
    from += count;
  }
  return used;
}

static size_t PutMatch(size_t used, u32 length, u32 distance) {
  output[used++] = (u8)(128 + length - kShortest);
  output[used++] = (u8)distance;
  output[used++] = (u8)(distance >> 8);
  return used;
}

static size_t Compress(void) {
  memset(last_place, 0, sizeof(last_place));
  size_t used = 0;
  u32 literals = 0, place = 0;
  while (place + kShortest <= kInput) {
    u16* slot = &last_place[Hash(input + place)];
    const u32 earlier = *slot;
    *slot = (u16)place;
    const u32 length = earlier != 0 ? MatchLength(earlier, place) : 0;
    if (length < kShortest) {
      ++place;
      continue;
    }
    used = PutLiterals(used, literals, place);
    used = PutMatch(used, length, place - earlier);
    place += length;
    literals = place;
  }
  return PutLiterals(used, literals, kInput);
}

u64 RunLz(u64 iterations) {
  u64 hash = 0;
  MakeText();
  for (u64 i = 0; i < iterations; ++i) {
    input[i % kInput] ^= 1;
    const size_t size = Compress();
    hash = Mix(Mix(hash, size), output[size / 2]);
  }
  return MixBytes(hash, output, 4096);
}
