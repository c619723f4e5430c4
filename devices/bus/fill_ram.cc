#include "devices/bus/fill_ram.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>

#include "base/bits.h"
#include "devices/bus/address.h"

namespace tandem::devices {
namespace {

using Bytes = std::span<const std::byte>;

constexpr u64 kWorthIt = 64 << 10;
constexpr u64 kPiece = 256 << 10;

// Faults give large pages then, writes to the file do not.
bool ReadLargePages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
  std::string setting;
  std::getline(file, setting);
  return file && setting.find("[never]") == std::string::npos &&
         setting.find("[deny]") == std::string::npos;
}

bool HostMakesLargePages() {
  static const bool makes = ReadLargePages();
  return makes;
}

void Copy(RamBlock& ram, u64 offset, Bytes data) {
  if (!data.empty()) {
    std::memcpy(ram.data() + offset, data.data(), data.size());
  }
}

// Whole pages, as to a file: the host neither clears them first nor maps them one by one.
bool WriteToFile(const RamBlock& ram, u64 offset, Bytes data) {
  while (!data.empty()) {
    const ssize_t part = ::pwrite(ram.fd(), data.data(), data.size(), static_cast<off_t>(offset));
    if (part <= 0) {
      return false;
    }
    data = data.subspan(static_cast<size_t>(part));
    offset += static_cast<u64>(part);
  }
  return true;
}

// The host lets one thread at a time write to a file, and the others spin: these copy instead.
void Put(RamBlock& ram, u64 offset, Bytes data) {
  static std::mutex mutex;
  for (u64 done = 0; done < data.size(); done += kPiece) {
    const Bytes piece = data.subspan(done, std::min(kPiece, data.size() - done));
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock.owns_lock() || !WriteToFile(ram, offset + done, piece)) {
      Copy(ram, offset + done, piece);
    }
  }
}

void ClearPages(RamBlock& ram, u64 offset, u64 length) {
  if (length != 0 && ::fallocate(ram.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) {
    std::memset(ram.data() + offset, 0, length);
  }
}

bool IsZero(Bytes page) {
  return page[0] == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

// How many bytes of whole pages at the start are all zeros, or are not.
u64 RunLength(Bytes pages, bool is_zero) {
  u64 length = 0;
  while (length < pages.size() && IsZero(pages.subspan(length, kPageSize)) == is_zero) {
    length += kPageSize;
  }
  return length;
}

void FillPages(RamBlock& ram, u64 offset, Bytes pages) {
  for (u64 done = 0; done < pages.size();) {
    const Bytes rest = pages.subspan(done);
    const u64 zeros = RunLength(rest, true);
    ClearPages(ram, offset + done, zeros);
    const Bytes data = rest.subspan(zeros).first(RunLength(rest.subspan(zeros), false));
    Put(ram, offset + done + zeros, data);
    done += zeros + data.size();
  }
}

}  // namespace

void FillRam(RamBlock& ram, u64 offset, Bytes data) {
  const u64 head = std::min<u64>(AlignUp(offset, kPageSize) - offset, data.size());
  const u64 pages = AlignDown(data.size() - head, kPageSize);
  if (pages < kWorthIt) {
    Copy(ram, offset, data);
  } else if (HostMakesLargePages()) {
    (void)::madvise(ram.data() + offset + head, pages, MADV_POPULATE_WRITE);  // for speed alone
    Copy(ram, offset, data);
  } else {
    Copy(ram, offset, data.first(head));
    FillPages(ram, offset + head, data.subspan(head, pages));
    Copy(ram, offset + head + pages, data.subspan(head + pages));
  }
  ram.MarkDirty(offset, data.size());
}

void ClearRam(RamBlock& ram, u64 offset, u64 length) {
  const u64 head = std::min(AlignUp(offset, kPageSize) - offset, length);
  const u64 pages = AlignDown(length - head, kPageSize);
  std::memset(ram.data() + offset, 0, head);
  ClearPages(ram, offset + head, pages);
  std::memset(ram.data() + offset + head + pages, 0, length - head - pages);
  ram.MarkDirty(offset, length);
}

}  // namespace tandem::devices
