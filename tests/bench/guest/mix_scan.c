#include "mix.h"

enum State {
  kStart,
  kSign,
  kZero,
  kDigits,
  kHex,
  kPoint,
  kFraction,
  kExponent,
  kPower,
  kBad,
  kStates
};

static bool IsDigit(char c) { return c >= '0' && c <= '9'; }
static bool IsSign(char c) { return c == '+' || c == '-'; }
static bool IsHex(char c) { return IsDigit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

static enum State AfterNumber(char c) {
  if (c == '.') {
    return kFraction;
  }
  return (c | 32) == 'e' ? kExponent : kBad;
}

static enum State Begin(char c) {
  if (c == '0') {
    return kZero;
  }
  if (c == '.') {
    return kPoint;
  }
  return IsDigit(c) ? kDigits : kBad;
}

static enum State Next(enum State state, char c) {
  switch (state) {
    case kStart:
      return IsSign(c) ? kSign : Begin(c);
    case kSign:
      return Begin(c);
    case kZero:
      return c == 'x' ? kHex : IsDigit(c) ? kDigits : AfterNumber(c);
    case kDigits:
      return IsDigit(c) ? kDigits : AfterNumber(c);
    case kHex:
      return IsHex(c) ? kHex : kBad;
    case kPoint:
      return IsDigit(c) ? kFraction : kBad;
    case kFraction:
      return IsDigit(c) ? kFraction : (c | 32) == 'e' ? kExponent : kBad;
    case kExponent:
      return IsSign(c) || IsDigit(c) ? kPower : kBad;
    case kPower:
      return IsDigit(c) ? kPower : kBad;
    default:
      return kBad;
  }
}

static void CountWords(const char* text, u16 ends[kStates]) {
  enum State state = kStart;
  for (int i = 0; i < kMixText; ++i) {
    if (text[i] == ',') {
      ++ends[state];
      state = kStart;
    } else {
      state = Next(state, text[i]);
    }
  }
}

// Every so many characters one is changed, so that other words are read; then back.
static void Disturb(char* text, u32 round) {
  for (u32 i = round % 11; i < kMixText; i += 17) {
    if (text[i] != ',') {
      text[i] ^= 1;
    }
  }
}

u16 MixScan(char* text, u32 round) {
  u16 ends[kStates] = {0};
  CountWords(text, ends);
  Disturb(text, round);
  CountWords(text, ends);
  Disturb(text, round);
  u16 crc = 0;
  for (int i = 0; i < kStates; ++i) {
    crc = MixCrc(crc, ends[i]);
  }
  return crc;
}
