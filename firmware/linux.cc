#include <algorithm>
#include <optional>

#include "base/log.h"
#include "firmware/boot_params.h"
#include "firmware/boot_request.h"
#include "firmware/bzimage.h"
#include "firmware/elf_image.h"

namespace tandem::firmware {
namespace {

// Initrds below 4 GiB only: low RAM ends at 3 GiB at the latest.
u64 InitrdLimit(const BzImage& image) {
  return image.CanLoadAbove4G() ? k4GiB - 1 : image.InitrdMax();
}

// The protected-mode part as it is: at the preferred address, where its own decompressor leaves the
// kernel in the end, or at 1 MiB where that is out of memory.
Result<PlacedKernel> LoadCompressed(const BootRequest& boot, const BzImage& image) {
  u64 address = image.IsRelocatable() ? image.PreferredAddress() : kHighMemoryAddress;
  if (!boot.memory.IsRam(address, image.InitSize())) {
    address = AlignUp(kHighMemoryAddress, image.Alignment());
  }
  if (Result<void> done = boot.memory.Write(address, image.kernel(),
                                            fmt::format("kernel '{}'", boot.files.kernel_name));
      !done) {
    return done.error();
  }
  const bool enter_64bit = image.Has64BitEntry();
  return PlacedKernel{address, address + image.InitSize(), enter_64bit,
                      address + (enter_64bit ? 0x200 : 0)};
}

Result<InitrdPlace> LoadInitrd(const BootRequest& boot, u64 last_byte, u64 floor) {
  const std::span<const std::byte> initrd = boot.files.initrd;
  if (initrd.empty()) {
    return InitrdPlace{};
  }
  const Result<u64> address = PlaceInitrd(boot, initrd.size(), last_byte, floor);
  if (!address) {
    return address.error();
  }
  if (Result<void> done = boot.memory.Write(*address, initrd, "the initrd"); !done) {
    return done.error();
  }
  return InitrdPlace{*address, initrd.size()};
}

Result<CpuEntry> EnterLinux(const BootRequest& boot, bool enter_64bit, u64 entry) {
  Result<CpuEntry> cpu = enter_64bit ? MakeLongModeEntry(boot.memory, entry)
                                     : MakeProtectedEntry(boot.memory, EntryKind::kLinux32, entry);
  if (cpu) {
    cpu->rsi = kBootParamsAddress;
  }
  return cpu;
}

Result<CpuEntry> Finish(const BootRequest& boot, std::span<const std::byte> setup_header,
                        const PlacedKernel& kernel, u64 initrd_limit) {
  const Result<InitrdPlace> initrd = LoadInitrd(boot, initrd_limit, kernel.end);
  if (!initrd) {
    return initrd.error();
  }
  if (Result<void> done = WriteBootParams(boot, setup_header, kernel.address, *initrd); !done) {
    return done.error();
  }
  return EnterLinux(boot, kernel.enter_64bit, kernel.entry);
}

}  // namespace

Result<CpuEntry> LoadLinux(const BootRequest& boot) {
  const Result<BzImage> image = BzImage::Parse(boot.files.kernel, boot.files.kernel_name);
  if (!image) {
    return image.error();
  }
  if (!image->IsLoadedHigh()) {
    return Fail("kernel '{}' is a zImage; only bzImages can be booted", boot.files.kernel_name);
  }
  if (Result<void> done = WriteCommandLine(boot, image->CommandLineMax()); !done) {
    return done.error();
  }
  std::optional<PlacedKernel> kernel = boot.files.placed;
  if (!kernel || kernel->end > boot.ram_end) {
    const Result<PlacedKernel> compressed = LoadCompressed(boot, *image);
    if (!compressed) {
      return compressed.error();
    }
    kernel = *compressed;
  }
  return Finish(boot, image->setup_header(), *kernel, InitrdLimit(*image));
}

Result<CpuEntry> EnterPlainElf(const BootRequest& boot, const ElfImage& elf) {
  // vmlinux of a 64-bit kernel states its physical entry; 32-bit kernels too.
  const PlacedKernel kernel{elf.lowest_address(), elf.highest_address(), elf.is_64bit(),
                            elf.entry()};
  return Finish(boot, {}, kernel, elf.is_64bit() ? k4GiB - 1 : 0x37ffffff);
}

}  // namespace tandem::firmware
