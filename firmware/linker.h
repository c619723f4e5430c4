#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// Firmware files with pointers and checksums that can be filled in only when their addresses are
// known, and the script that does so. SeaBIOS and OVMF run the script ("etc/table-loader", 128-byte
// commands); for direct boot Link() runs it here.
class Linker {
 public:
  enum class Zone : u8 { kHigh = 1, kBiosArea = 2 };

  void AddFile(const std::string& name, Bytes bytes, u32 alignment, Zone zone);
  // The size-byte field at offset of file gets target's address added to what it holds.
  void AddPointer(const std::string& file, u32 offset, u8 size, const std::string& target);
  // The byte at offset makes [start, start + length) of file add up to zero.
  void AddChecksum(const std::string& file, u32 offset, u32 start, u32 length);

  const std::map<std::string, Bytes>& files() const { return files_; }
  // The script as fw_cfg serves it.
  const Bytes& script() const { return script_.bytes(); }

  // The files' contents when they lie at these addresses; each file must have one.
  std::map<std::string, Bytes> Link(const std::map<std::string, u64>& addresses) const;

 private:
  struct Pointer {
    std::string file;
    u32 offset;
    u8 size;
    std::string target;
  };
  struct Checksum {
    std::string file;
    u32 offset;
    u32 start;
    u32 length;
  };

  std::map<std::string, Bytes> files_;
  std::vector<Pointer> pointers_;
  std::vector<Checksum> checksums_;
  ByteWriter script_;
};

}  // namespace tandem::firmware
