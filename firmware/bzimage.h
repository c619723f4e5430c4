#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// A checked Linux/x86 boot image (Documentation/arch/x86/boot.rst); borrows the file's bytes.
class BzImage {
 public:
  // "HdrS" at its place: the file means to be a bzImage.
  static bool HasMagic(std::span<const std::byte> file);
  // name stands in the errors.
  static Result<BzImage> Parse(std::span<const std::byte> file, const std::string& name);

  u16 protocol() const { return protocol_; }
  // Boot sector and setup code, which run in real mode.
  std::span<const std::byte> setup() const { return setup_; }
  // All that is loaded at 1 MiB or at the preferred address.
  std::span<const std::byte> kernel() const { return kernel_; }
  // The setup header as it lies from offset 0x1f1 of setup on.
  std::span<const std::byte> setup_header() const { return header_; }

  bool IsLoadedHigh() const;    // loadflags bit 0
  bool Has64BitEntry() const;   // xloadflags bit 0
  bool CanLoadAbove4G() const;  // xloadflags bit 1
  bool IsRelocatable() const;
  u64 PreferredAddress() const;
  u64 Alignment() const;
  u64 InitSize() const;        // memory the kernel needs from where it is loaded
  u64 InitrdMax() const;       // last usable byte for the initrd
  u64 CommandLineMax() const;  // without the terminating zero
  // The compressed vmlinux; nothing before protocol 2.08 or where the range is absurd.
  std::optional<std::span<const std::byte>> Payload() const;

 private:
  template <typename T>
  T HeaderField(u64 file_offset) const;

  u16 protocol_ = 0;
  std::span<const std::byte> setup_;
  std::span<const std::byte> kernel_;
  std::span<const std::byte> header_;
};

}  // namespace tandem::firmware
