#include "firmware/linker.h"

namespace tandem::firmware {
namespace {

constexpr u32 kAllocate = 1;
constexpr u32 kAddPointer = 2;
constexpr u32 kAddChecksum = 3;
constexpr size_t kFileNameSize = 56;
constexpr size_t kCommandSize = 128;

}  // namespace

void Linker::AddFile(const std::string& name, Bytes bytes, u32 alignment, Zone zone) {
  CHECK(name.size() < kFileNameSize && !files_.contains(name));
  files_[name] = std::move(bytes);
  script_.U32(kAllocate).Padded(name, kFileNameSize, 0).U32(alignment).U8(static_cast<u8>(zone));
  script_.AlignTo(kCommandSize);
}

void Linker::AddPointer(const std::string& file, u32 offset, u8 size, const std::string& target) {
  CHECK(offset + size <= files_.at(file).size() && files_.contains(target));
  pointers_.push_back({file, offset, size, target});
  script_.U32(kAddPointer).Padded(file, kFileNameSize, 0).Padded(target, kFileNameSize, 0);
  script_.U32(offset).U8(size).AlignTo(kCommandSize);
}

void Linker::AddChecksum(const std::string& file, u32 offset, u32 start, u32 length) {
  CHECK(u64{start} + length <= files_.at(file).size() && offset < files_.at(file).size());
  files_.at(file)[offset] = std::byte{0};
  checksums_.push_back({file, offset, start, length});
  script_.U32(kAddChecksum).Padded(file, kFileNameSize, 0).U32(offset).U32(start).U32(length);
  script_.AlignTo(kCommandSize);
}

std::map<std::string, Bytes> Linker::Link(const std::map<std::string, u64>& addresses) const {
  std::map<std::string, Bytes> linked = files_;
  for (const Pointer& pointer : pointers_) {
    std::byte* field = linked.at(pointer.file).data() + pointer.offset;
    u64 value = 0;
    std::memcpy(&value, field, pointer.size);
    value += addresses.at(pointer.target);
    std::memcpy(field, &value, pointer.size);
  }
  for (const Checksum& checksum : checksums_) {
    Bytes& bytes = linked.at(checksum.file);
    const auto covered = std::span(bytes).subspan(checksum.start, checksum.length);
    bytes[checksum.offset] = static_cast<std::byte>(ChecksumOf(covered));
  }
  return linked;
}

}  // namespace tandem::firmware
