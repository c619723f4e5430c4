#include "cpu/exec/code_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "base/bits.h"
#include "base/check.h"

namespace tandem::cpu {
namespace {

u8* Map(int fd, size_t size, int protection) {
  void* mapped = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  CHECK(mapped != MAP_FAILED);
  return static_cast<u8*>(mapped);
}

}  // namespace

CodeArena::CodeArena(size_t size) : size_(size), fd_(::memfd_create("tandem-thunks", MFD_CLOEXEC)) {
  CHECK(fd_.valid() && ::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0);
  writable_ = Map(fd_.get(), size, PROT_READ | PROT_WRITE);
  executable_ = Map(fd_.get(), size, PROT_READ | PROT_EXEC);
}

CodeArena::~CodeArena() {
  ::munmap(writable_, size_);
  ::munmap(executable_, size_);
}

const void* CodeArena::Add(std::span<const u8> code) {
  CHECK(code.size() <= left());
  std::memcpy(writable_ + used_, code.data(), code.size());
  const void* at = executable_ + used_;
  used_ = AlignUp(used_ + code.size(), 16);
  return at;
}

}  // namespace tandem::cpu
