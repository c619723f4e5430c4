#include "devices/pci/config_space.h"

#include "base/bits.h"
#include "base/check.h"

namespace tandem::devices {
namespace {

template <typename Bytes>
u32 Load(const Bytes& bytes, u32 offset, u32 size) {
  u32 value = 0;
  for (u32 i = 0; i < size && offset + i < bytes.size(); ++i) {
    value |= u32{bytes[offset + i]} << (8 * i);
  }
  return value;
}

template <typename Bytes>
void Store(Bytes& bytes, u32 offset, u32 size, u32 value) {
  for (u32 i = 0; i < size && offset + i < bytes.size(); ++i) {
    bytes[offset + i] = static_cast<u8>(value >> (8 * i));
  }
}

}  // namespace

u32 ConfigSpace::Get(u32 offset, u32 size) const {
  MutexLock lock(mu_);
  return Load(bytes_, offset, size);
}

void ConfigSpace::Set(u32 offset, u32 size, u32 value) {
  MutexLock lock(mu_);
  Store(bytes_, offset, size, value);
}

void ConfigSpace::SetWritable(u32 offset, u32 size, u32 mask) {
  MutexLock lock(mu_);
  Store(writable_, offset, size, mask);
}

void ConfigSpace::SetWriteOneToClear(u32 offset, u32 size, u32 mask) {
  MutexLock lock(mu_);
  Store(write_one_to_clear_, offset, size, mask);
}

void ConfigSpace::GuestWrite(u32 offset, u32 size, u32 value) {
  MutexLock lock(mu_);
  const u32 old = Load(bytes_, offset, size);
  const u32 writable = Load(writable_, offset, size);
  const u32 clear = Load(write_one_to_clear_, offset, size) & value;
  Store(bytes_, offset, size, ((old & ~writable) | (value & writable)) & ~clear);
}

u32 ConfigSpace::AddCapability(u8 id, u32 length) {
  MutexLock lock(mu_);
  const u32 offset = next_capability_;
  CHECK(offset + length <= pci::kConfigSize);
  next_capability_ = static_cast<u32>(AlignUp(offset + length, 4));
  bytes_[last_link_] = static_cast<u8>(offset);
  bytes_[offset] = id;
  last_link_ = offset + 1;
  bytes_[pci::kStatus] |= pci::kStatusCapabilities;
  return offset;
}

void ConfigSpace::KeepAsResetState() {
  MutexLock lock(mu_);
  reset_ = bytes_;
}

void ConfigSpace::Reset() {
  MutexLock lock(mu_);
  bytes_ = reset_;
}

}  // namespace tandem::devices
