#include "tests/differential/random_bytes.h"

namespace tandem::cpu {
namespace {

u8 Byte(Random& random) { return static_cast<u8>(random()); }

void PutVex(Random& random, std::vector<u8>& out) {
  const u8 vvvv_l_pp = Byte(random);
  if (OneIn(random, 3)) {
    out.insert(out.end(), {0xc5, vvvv_l_pp});
    return;
  }
  const u8 map = static_cast<u8>(1 + random() % 3);
  out.insert(out.end(), {0xc4, static_cast<u8>((Byte(random) & 0xe0) | map), vvvv_l_pp});
}

void PutLegacy(Random& random, std::vector<u8>& out) {
  if (OneIn(random, 3)) {
    out.push_back(Pick<u8>(random, {0x66, 0xf2, 0xf3}));
  }
  if (OneIn(random, 20)) {
    out.push_back(Pick<u8>(random, {0x66, 0x67, 0xf0, 0xf2, 0xf3}));
  }
  if (OneIn(random, 2)) {
    out.push_back(static_cast<u8>(0x40 | (Byte(random) & 15)));
  }
  switch (random() % 5) {
    case 0:
      break;
    case 1:
      out.push_back(static_cast<u8>(0xd8 | (Byte(random) & 7)));  // x87
      return;
    case 2:
      out.insert(out.end(), {0x0f, 0x38});
      break;
    case 3:
      out.insert(out.end(), {0x0f, 0x3a});
      break;
    default:
      out.push_back(0x0f);
      break;
  }
}

// A prefix with few wrong bits; vvvv is often unused and must then be all ones.
void PutEvex(Random& random, std::vector<u8>& out) {
  const u8 map = static_cast<u8>(1 + random() % 3);
  const u8 w_vvvv_pp = static_cast<u8>(Byte(random) | 4 | (OneIn(random, 2) ? 0x78 : 0));
  u8 z_length_b_mask = Byte(random);
  if (OneIn(random, 2)) {
    z_length_b_mask &= 0x6f;  // neither zeroing nor broadcast
  }
  out.insert(out.end(), {0x62, static_cast<u8>((Byte(random) & 0xf0) | map), w_vvvv_pp,
                         static_cast<u8>(z_length_b_mask | (OneIn(random, 2) ? 8 : 0))});
}

// VEX instructions on opmask registers: the rows 4, 9 and (map 0F3A) 3 of the opcode map.
void PutOpmask(Random& random, std::vector<u8>& out) {
  const bool is_shift = OneIn(random, 4);
  const u8 bits = static_cast<u8>(Byte(random) & 0x87);  // W, L, pp
  const u8 vvvv = OneIn(random, 2) ? 0x78 : static_cast<u8>(0x40 | (Byte(random) & 0x38));
  out.insert(out.end(), {0xc4, static_cast<u8>((Byte(random) & 0x20) | (is_shift ? 0xc3 : 0xc1)),
                         static_cast<u8>(bits | vvvv)});
  const u8 row = is_shift ? 0x30 : OneIn(random, 2) ? 0x40 : 0x90;
  out.push_back(static_cast<u8>(row | (Byte(random) & (is_shift ? 3 : 15))));
}

void PutPrefixes(Random& random, Choice choice, std::vector<u8>& out) {
  if (choice == Choice::kAvx512 || OneIn(random, 4)) {
    OneIn(random, 8) ? PutOpmask(random, out) : PutEvex(random, out);
  } else {
    OneIn(random, 3) ? PutVex(random, out) : PutLegacy(random, out);
  }
}

}  // namespace

std::vector<u8> RandomBytes(Random& random, Choice choice) {
  std::vector<u8> out;
  PutPrefixes(random, choice, out);
  for (int i = 0; i < 12; ++i) {
    out.push_back(Byte(random));
  }
  return out;
}

}  // namespace tandem::cpu
