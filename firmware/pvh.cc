#include "firmware/boot_request.h"

namespace tandem::firmware {
namespace {

// Xen's public/arch-x86/hvm/start_info.h, version 1.
constexpr u32 kStartInfoMagic = 0x336ec578;
constexpr u64 kModuleListOffset = 0x40;
constexpr u64 kMapOffset = 0x80;

Bytes EncodeStartInfo(const BootRequest& boot, u64 initrd_address) {
  const bool has_initrd = initrd_address != 0;
  ByteWriter out;
  out.U32(kStartInfoMagic).U32(1).U32(0).U32(has_initrd ? 1 : 0);
  out.U64(has_initrd ? kPvhStartInfoAddress + kModuleListOffset : 0);
  out.U64(kCommandLineAddress).U64(boot.rsdp_address);
  out.U64(kPvhStartInfoAddress + kMapOffset).U32(boot.map.size()).U32(0);
  out.Zeros(kModuleListOffset - out.size());
  out.U64(initrd_address).U64(boot.files.initrd.size()).U64(0).U64(0);
  out.Zeros(kMapOffset - out.size());
  for (const E820Entry& entry : boot.map) {
    out.U64(entry.start).U64(entry.length).U32(static_cast<u32>(entry.type)).U32(0);
  }
  return out.Take();
}

}  // namespace

Result<CpuEntry> EnterPvh(const BootRequest& boot, const ElfImage& elf, u64 entry) {
  u64 initrd_address = 0;
  if (!boot.files.initrd.empty()) {
    const Result<u64> place =
        PlaceInitrd(boot, boot.files.initrd.size(), k4GiB - 1, elf.highest_address());
    if (!place) {
      return place.error();
    }
    initrd_address = *place;
    if (Result<void> done = boot.memory.Write(*place, boot.files.initrd, "the initrd"); !done) {
      return done.error();
    }
  }
  const Bytes info = EncodeStartInfo(boot, initrd_address);
  if (Result<void> done = boot.memory.Write(kPvhStartInfoAddress, info, "PVH start info"); !done) {
    return done.error();
  }
  Result<CpuEntry> cpu = MakeProtectedEntry(boot.memory, EntryKind::kPvh32, entry);
  if (cpu) {
    cpu->rbx = kPvhStartInfoAddress;
  }
  return cpu;
}

}  // namespace tandem::firmware
