// Model-specific registers. api.rst, KVM_GET_MSRS: those that a KVM lacks, or refuses to be
// written, are left out; which they are depends on its version and the host's processor.
#include <linux/kvm.h>

#include <algorithm>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/list.h"
#include "accel/kvm/state_access.h"
#include "base/log.h"

namespace tandem::accel::kvm {
namespace {

using cpu::Msrs;

constexpr u32 kTsc = 0x10;
constexpr u32 kFirstMtrr = 0x200;
constexpr u32 kFirstBank = 0x400;
constexpr u32 kFirstParavirtual = 0x4b564d00;

// Calls visit(number, field) for every register of msrs.
template <typename AnyMsrs, typename Visit>
void ForEachMsr(AnyMsrs& msrs, Visit visit) {
#define MSR(number, field) visit(u32{number}, msrs.field);
#include "accel/kvm/msr_list.inc"
#undef MSR
  for (u32 i = 0; i < msrs.mtrr_variable.size(); ++i) {
    visit(kFirstMtrr + i, msrs.mtrr_variable[i]);
  }
  for (u32 i = 0; i < msrs.mc_banks.size(); ++i) {
    visit(kFirstBank + i, msrs.mc_banks[i]);
  }
  for (u32 i = 0; i < msrs.kvm.size(); ++i) {
    visit(kFirstParavirtual + i, msrs.kvm[i]);
  }
}

using Entries = std::vector<kvm_msr_entry>;

void Add(Entries& entries, u32 number, u64 value) {
  entries.push_back({.index = number, .reserved = 0, .data = value});
}

// Whether the register can be read and takes what it holds.
bool IsThere(int fd, u32 number) {
  Entries entries;
  Add(entries, number, 0);
  List<kvm_msr_entry> list(entries);
  return Call(fd, ForList(KVM_GET_MSRS), list.data()) == 1 &&
         Call(fd, ForList(KVM_SET_MSRS), list.data()) == 1;
}

// The kernel stops at the first register that it does not take.
void WriteAll(int fd, std::span<const kvm_msr_entry> entries) {
  while (!entries.empty()) {
    const int done = Call(fd, ForList(KVM_SET_MSRS), List<kvm_msr_entry>(entries).data());
    entries = entries.subspan(static_cast<size_t>(std::max(done, 0)));
    if (!entries.empty()) {
      Log(LogItem::kAccel, "kvm: MSR {:#x} does not take {:#x}", u32{entries[0].index},
          u64{entries[0].data});
      entries = entries.subspan(1);
    }
  }
}

}  // namespace

void StateAccess::FindMsrs() {
  Msrs any;
  ForEachMsr(any, [&](u32 number, u64&) {
    if (IsThere(fd_, number)) {
      msrs_.push_back(number);
    }
  });
  std::sort(msrs_.begin(), msrs_.end());
}

void StateAccess::SaveMsrs(cpu::CpuState& state, u64 clock_ns) const {
  Entries entries;
  for (const u32 number : msrs_) {
    Add(entries, number, 0);
  }
  Add(entries, kTsc, 0);
  List<kvm_msr_entry> list(entries);
  CHECK(Call(fd_, ForList(KVM_GET_MSRS), list.data()) == static_cast<int>(entries.size()));
  ForEachMsr(state.msr, [&](u32 number, u64& field) {
    const auto at = std::lower_bound(msrs_.begin(), msrs_.end(), number);
    if (at != msrs_.end() && *at == number) {
      field = list.at(static_cast<size_t>(at - msrs_.begin())).data;
    }
  });
  state.msr.tsc_offset = list.at(msrs_.size()).data - clock_ns;
}

void StateAccess::LoadMsrs(const cpu::CpuState& state, const std::optional<u64>& tsc) const {
  Entries entries;
  if (tsc) {
    Add(entries, kTsc, *tsc);
  }
  ForEachMsr(state.msr, [&](u32 number, const u64& field) {
    if (std::binary_search(msrs_.begin(), msrs_.end(), number)) {
      Add(entries, number, field);
    }
  });
  WriteAll(fd_, entries);
}

}  // namespace tandem::accel::kvm
