#include "base/bits.h"
#include "base/log.h"
#include "frontend/config/draft.h"

// -m.
namespace tandem::frontend {
namespace {

constexpr u64 kMiB = u64{1} << 20;
constexpr u64 kPage = 4096;
// 40 bits of physical addresses but for the hole below 4 GiB.
constexpr u64 kMaxRam = (u64{1} << 40) - (u64{1} << 30);

}  // namespace

Result<void> ParseMemory(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "size");
  if (!keys) {
    return keys.error();
  }
  const u64 bytes = keys->Size("size", kMiB).value_or(draft.out.machine.ram_bytes);
  for (const std::string_view key : {"slots", "maxmem"}) {
    if (keys->Text(key)) {
      keys->Reject("memory hot-plug (slots, maxmem) is not there yet");
    }
  }
  if (bytes < kMiB) {
    keys->Reject("the machine needs at least 1 MiB of memory");
  } else if (bytes > kMaxRam) {
    keys->Reject(
        fmt::format("more memory than the {} GiB that the machine can address", kMaxRam >> 30));
  } else {
    draft.out.machine.ram_bytes = AlignUp(bytes, kPage);
  }
  return keys->Finish();
}

}  // namespace tandem::frontend
