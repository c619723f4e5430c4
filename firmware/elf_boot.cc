#include "base/log.h"
#include "firmware/boot_request.h"
#include "firmware/elf_image.h"

namespace tandem::firmware {

namespace {

constexpr u32 kXenElfNotePhys32Entry = 18;

}  // namespace

Result<CpuEntry> LoadElf(const BootRequest& boot) {
  const Result<ElfImage> elf = ElfImage::Parse(boot.files.kernel);
  if (!elf) {
    return Fail("kernel '{}': {}", boot.files.kernel_name, elf.error().message);
  }
  if (elf->lowest_address() < kHighMemoryAddress) {
    return Fail("kernel '{}' wants to be loaded below 1 MiB ({:#x})", boot.files.kernel_name,
                elf->lowest_address());
  }
  if (Result<void> done = elf->Load(boot.memory, boot.files.kernel); !done) {
    return Fail("kernel '{}': {}", boot.files.kernel_name, done.error().message);
  }
  if (Result<void> done = WriteCommandLine(boot, kCommandLineMax - 1); !done) {
    return done.error();
  }
  const std::optional<u64> pvh_entry = elf->NumberNote(boot.files.kernel, "Xen", kXenElfNotePhys32Entry);
  return pvh_entry ? EnterPvh(boot, *elf, *pvh_entry) : EnterPlainElf(boot, *elf);
}

}  // namespace tandem::firmware
