#include "devices/pci/i440fx.h"

#include "base/bits.h"

namespace tandem::devices {
namespace {

constexpr u32 kPam0 = 0x59;  // bits 5-4: 0xf0000; PAM1-6: two 16 KiB segments each
constexpr u32 kPamCount = 7;
constexpr u32 kSmram = 0x72;
constexpr u8 kSmramLocked = 0x10;
constexpr u8 kSmramOpen = 0x40;

PamState StateOf(u8 field) { return static_cast<PamState>(field & 3); }

}  // namespace

I440fx::I440fx(ShadowRam& shadow_ram)
    : PciDevice({.vendor = 0x8086,
                 .device = 0x1237,
                 .class_code = 0x060000,
                 .revision = 2,
                 .has_intx = false}),
      shadow_ram_(shadow_ram) {
  config().Set(kSmram, 1, 0x02);
  config().SetWritable(kPam0, 4, 0x33333330);
  config().SetWritable(kPam0 + 4, 3, 0x333333);
  config().SetWritable(kSmram, 1, 0x78);
}

void I440fx::OnConfigWrite(u32 offset, u32 size) {
  if (offset < kPam0 + kPamCount && offset + size > kPam0) {
    ApplyPam();
  }
  const u8 smram = config().Get8(kSmram);
  if ((smram & kSmramLocked) != 0) {  // until reset: closed and read-only
    config().Set(kSmram, 1, smram & ~kSmramOpen);
    config().SetWritable(kSmram, 1, 0);
  }
}

void I440fx::ApplyPam() {
  if (config().Get8(kSmram) == 0x02) {
    config().SetWritable(kSmram, 1, 0x78);
  }
  shadow_ram_.SetState(12, StateOf(config().Get8(kPam0) >> 4));
  for (u32 i = 1; i < kPamCount; ++i) {
    const u8 pam = config().Get8(kPam0 + i);
    shadow_ram_.SetState(2 * (i - 1), StateOf(pam));
    shadow_ram_.SetState(2 * (i - 1) + 1, StateOf(pam >> 4));
  }
}

}  // namespace tandem::devices
