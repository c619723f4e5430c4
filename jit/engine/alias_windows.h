#pragma once

#include <array>
#include <memory>

#include "devices/bus/flat_view.h"

namespace tandem::jit {

// Guest memory seen once more, in the order of linear addresses: pages that a program uses together but
// the guest's kernel has scattered over its memory become one run on the host. One vCPU's; what is
// mapped where is compared with the TLB at each use, so that nothing here goes stale.
class AliasWindows {
 public:
  static constexpr u64 kSpan = 4 << 20;  // bytes of linear addresses that a window shows

  AliasWindows();
  ~AliasWindows();
  AliasWindows(const AliasWindows&) = delete;
  AliasWindows& operator=(const AliasWindows&) = delete;

  // How host addresses differ from linear ones in the window of this address.
  u64 AddendFor(u64 linear) const;
  // Whether the window shows this host page at that linear address.
  bool Shows(u64 linear_page, u64 host_page) const;
  // Makes it do so, in a window that it owns. False: the page is not in RAM of this view, or the host
  // refuses.
  bool Show(u64 linear_page, u64 host_page, const devices::FlatView& view);
  // Whether the window of this address shows its surroundings.
  bool Owns(u64 linear) const;
  // Makes it do so from now on. Nobody uses what it has shown until now.
  void Claim(u64 linear);

 private:
  static constexpr size_t kWindows = 32;  // half of them for negative addresses, that is for kernels
  static constexpr u64 kPages = kSpan / 4096;

  struct Window {
    u64 linear = ~u64{0};               // of its start
    std::array<u64, kPages> hosts{};  // the host page shown at each place; 0: none
  };

  static size_t IndexOf(u64 linear) {
    return linear / kSpan % (kWindows / 2) + (linear >> 63) * (kWindows / 2);
  }

  u8* memory_;
  std::unique_ptr<std::array<Window, kWindows>> windows_;
};

}  // namespace tandem::jit
