#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "accel/kvm/ioctl.h"
#include "base/ints.h"

namespace tandem::accel::kvm {

// What precedes each list that KVM takes or fills: kvm_cpuid2, kvm_msrs, kvm_irq_routing.
struct ListHead {
  u32 count = 0;
  u32 flags = 0;
};

constexpr unsigned long ForList(unsigned long request) {
  return WithSize(request, sizeof(ListHead));
}

template <typename Entry>
class List {
 public:
  explicit List(std::span<const Entry> entries) : bytes_(sizeof(ListHead) + entries.size_bytes()) {
    const ListHead head{.count = static_cast<u32>(entries.size())};
    std::memcpy(bytes_.data(), &head, sizeof(head));
    if (!entries.empty()) {
      std::memcpy(bytes_.data() + sizeof(head), entries.data(), entries.size_bytes());
    }
  }

  void* data() { return bytes_.data(); }
  // As KVM has left them.
  u32 count() const {
    ListHead head;
    std::memcpy(&head, bytes_.data(), sizeof(head));
    return head.count;
  }
  Entry at(size_t index) const {
    Entry entry;
    std::memcpy(&entry, bytes_.data() + sizeof(ListHead) + index * sizeof(Entry), sizeof(entry));
    return entry;
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace tandem::accel::kvm
