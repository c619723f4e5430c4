#include "jit/engine/alias_windows.h"

#include <sys/mman.h>

#include "base/bits.h"
#include "base/check.h"
#include "devices/bus/show_page.h"

namespace tandem::jit {

AliasWindows::AliasWindows() : windows_(std::make_unique<std::array<Window, kWindows>>()) {
  void* const memory = ::mmap(nullptr, kWindows * kSpan, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  memory_ = static_cast<u8*>(memory);
}

AliasWindows::~AliasWindows() { ::munmap(memory_, kWindows * kSpan); }

u64 AliasWindows::AddendFor(u64 linear) const {
  return reinterpret_cast<u64>(memory_) + IndexOf(linear) * kSpan - AlignDown(linear, kSpan);
}

bool AliasWindows::Owns(u64 linear) const {
  return (*windows_)[IndexOf(linear)].linear == AlignDown(linear, kSpan);
}

void AliasWindows::Claim(u64 linear) {
  Window& window = (*windows_)[IndexOf(linear)];
  window.linear = AlignDown(linear, kSpan);
  window.hosts.fill(0);
}

bool AliasWindows::Shows(u64 linear_page, u64 host_page) const {
  const Window& window = (*windows_)[IndexOf(linear_page)];
  return Owns(linear_page) && window.hosts[linear_page % kSpan / 4096] == host_page;
}

bool AliasWindows::Show(u64 linear_page, u64 host_page, const devices::FlatView& view) {
  Window& window = (*windows_)[IndexOf(linear_page)];
  u8* const place = memory_ + IndexOf(linear_page) * kSpan + linear_page % kSpan;
  u64& shown = window.hosts[linear_page % kSpan / 4096];
  const bool is_shown = devices::ShowPage(view, reinterpret_cast<const std::byte*>(host_page),
                                          reinterpret_cast<std::byte*>(place));
  shown = is_shown ? host_page : 0;
  return is_shown;
}

}  // namespace tandem::jit
