#include "base/log.h"
#include "firmware/bzimage.h"
#include "firmware/decompress.h"
#include "firmware/elf_image.h"
#include "firmware/kernel.h"

namespace tandem::firmware {
namespace {

// It has to be at the physical address it was linked for, which is the preferred one; then no
// relocation has to be applied.
bool CanEnter(const GuestMemory& memory, const BzImage& image, const ElfImage& elf) {
  return elf.lowest_address() == image.PreferredAddress() && elf.entry() >= elf.lowest_address() &&
         elf.entry() < elf.highest_address() &&
         memory.IsRam(elf.lowest_address(), elf.highest_address() - elf.lowest_address()) &&
         elf.is_64bit() == image.Has64BitEntry();
}

Result<ElfImage> Decompress(const GuestMemory& memory, const BzImage& image,
                            std::span<const std::byte> payload) {
  std::optional<ElfImage> elf;
  const PayloadSink sink{
      .begin = [&](std::span<const std::byte> head, u64 size) -> Result<void> {
        Result<ElfImage> parsed = ElfImage::Parse(head, size);
        if (!parsed) {
          return parsed.error();
        }
        elf = std::move(*parsed);
        return CanEnter(memory, image, *elf) ? Result<void>()
                                             : Fail("the kernel is no plain vmlinux");
      },
      .take =
          [&](u64 offset, std::span<const std::byte> piece) {
            (void)elf->LoadPiece(memory, offset, piece);  // it fits: begin has seen to it
          }};
  Result<void> loaded = DecompressPayload(payload, sink);
  if (loaded) {
    loaded = elf->LoadZeros(memory);
  }
  return loaded ? Result<ElfImage>(*std::move(elf)) : loaded.error();
}

}  // namespace

// Startup code of a 64-bit vmlinux is entered as the decompressor would: in long mode,
// identity-mapped, rsi = boot_params.
void PlaceKernel(const std::shared_ptr<const devices::FlatView>& view, KernelFiles& files) {
  const Result<BzImage> image = BzImage::Parse(files.kernel, files.kernel_name);
  const auto payload = image ? image->Payload() : std::nullopt;
  const GuestMemory memory(view);
  if (!payload || !memory.IsRam(image->PreferredAddress(), image->InitSize())) {
    return;
  }
  const Result<ElfImage> elf = Decompress(memory, *image, *payload);
  if (!elf) {
    Log(LogItem::kUnimp, "fast boot: {}; the guest will decompress", elf.error().message);
    return;
  }
  const u64 end = std::max(elf->highest_address(), image->PreferredAddress() + image->InitSize());
  files.placed = PlacedKernel{elf->lowest_address(), end, elf->is_64bit(), elf->entry()};
}

}  // namespace tandem::firmware
