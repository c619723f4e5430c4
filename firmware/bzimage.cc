#include "firmware/bzimage.h"

#include <algorithm>

#include "base/log.h"

namespace tandem::firmware {
namespace {

// Offsets in the file, from "The Real-Mode Kernel Header".
constexpr u64 kSetupSects = 0x1f1;
constexpr u64 kBootFlag = 0x1fe;
constexpr u64 kJump = 0x201;
constexpr u64 kHeaderMagic = 0x202;
constexpr u64 kVersion = 0x206;
constexpr u64 kLoadFlags = 0x211;
constexpr u64 kInitrdAddressMax = 0x22c;
constexpr u64 kKernelAlignment = 0x230;
constexpr u64 kRelocatableKernel = 0x234;
constexpr u64 kXLoadFlags = 0x236;
constexpr u64 kCmdlineSize = 0x238;
constexpr u64 kPayloadOffset = 0x248;
constexpr u64 kPayloadLength = 0x24c;
constexpr u64 kPrefAddress = 0x258;
constexpr u64 kInitSize = 0x260;

constexpr u32 kHdrS = 0x53726448;
constexpr u16 kOldestProtocol = 0x0206;  // the first that states cmdline_size
constexpr u64 kSectorSize = 512;

}  // namespace

bool BzImage::HasMagic(std::span<const std::byte> file) {
  return FieldAt<u32>(file, kHeaderMagic) == kHdrS;
}

Result<BzImage> BzImage::Parse(std::span<const std::byte> file, const std::string& name) {
  const auto bad = [&](std::string_view what) {
    return Fail("kernel '{}' is no usable bzImage: {}", name, what);
  };
  if (!HasMagic(file) || FieldAt<u16>(file, kBootFlag) != 0xaa55) {
    return bad("the boot signature is missing");
  }
  BzImage image;
  image.protocol_ = FieldAt<u16>(file, kVersion).value_or(0);
  if (image.protocol_ < kOldestProtocol) {
    return bad(fmt::format("boot protocol {}.{:02} is older than 2.06", image.protocol_ >> 8,
                           image.protocol_ & 0xff));
  }
  const u64 sectors = static_cast<u8>(file[kSetupSects]);
  const u64 setup_size = ((sectors == 0 ? 4 : sectors) + 1) * kSectorSize;
  const u64 header_end = kHeaderMagic + static_cast<u8>(file[kJump]);
  if (file.size() <= setup_size || header_end > setup_size || header_end < kCmdlineSize + 4) {
    return bad(fmt::format("it is truncated ({} bytes; the setup code alone has {})", file.size(),
                           setup_size));
  }
  image.setup_ = file.first(setup_size);
  image.kernel_ = file.subspan(setup_size);
  image.header_ = file.subspan(kSetupSects, header_end - kSetupSects);
  // syssize counts the protected-mode part in paragraphs; the file may have a signature behind it.
  const u64 paragraphs = LoadLe<u32>(file.data() + 0x1f4);
  if (paragraphs * 16 > AlignUp(image.kernel_.size(), 16)) {
    return bad(fmt::format("it is truncated ({} bytes of code instead of {})", image.kernel_.size(),
                           paragraphs * 16));
  }
  return image;
}

// Fields behind the end of an old header read as zero.
template <typename T>
T BzImage::HeaderField(u64 file_offset) const {
  return FieldAt<T>(header_, file_offset - kSetupSects).value_or(T{});
}

bool BzImage::IsLoadedHigh() const { return (HeaderField<u8>(kLoadFlags) & 1) != 0; }

bool BzImage::Has64BitEntry() const {
  return protocol_ >= 0x020c && (HeaderField<u16>(kXLoadFlags) & 1) != 0;
}

bool BzImage::CanLoadAbove4G() const {
  return protocol_ >= 0x020c && (HeaderField<u16>(kXLoadFlags) & 2) != 0;
}

bool BzImage::IsRelocatable() const { return HeaderField<u8>(kRelocatableKernel) != 0; }

u64 BzImage::PreferredAddress() const {
  const u64 preferred = protocol_ >= 0x020a ? HeaderField<u64>(kPrefAddress) : 0;
  return preferred == 0 ? 0x100000 : preferred;
}

u64 BzImage::Alignment() const { return std::max<u64>(HeaderField<u32>(kKernelAlignment), 1); }

u64 BzImage::InitSize() const {
  const u64 stated = protocol_ >= 0x020a ? HeaderField<u32>(kInitSize) : 0;
  return std::max<u64>(stated, kernel_.size());
}

u64 BzImage::InitrdMax() const {
  const u32 stated = HeaderField<u32>(kInitrdAddressMax);
  return stated == 0 ? 0x37ffffff : stated;
}

u64 BzImage::CommandLineMax() const {
  const u32 stated = HeaderField<u32>(kCmdlineSize);
  return stated == 0 ? 255 : stated;
}

std::optional<std::span<const std::byte>> BzImage::Payload() const {
  const u64 offset = HeaderField<u32>(kPayloadOffset);
  const u64 length = HeaderField<u32>(kPayloadLength);
  if (protocol_ < 0x0208 || offset == 0 || length == 0 || offset > kernel_.size() ||
      length > kernel_.size() - offset) {
    return std::nullopt;
  }
  return kernel_.subspan(offset, length);
}

}  // namespace tandem::firmware
