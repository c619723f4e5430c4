#include "accel/kvm/state_access.h"

#include <linux/kvm.h>

#include <algorithm>
#include <cstring>

#include "accel/kvm/vm.h"
#include "base/log.h"

namespace tandem::accel::kvm {

StateAccess::StateAccess(int vcpu_fd, const Vm& vm)
    : fd_(vcpu_fd),
      has_sregs2_(vm.Extension(KVM_CAP_SREGS2) > 0),
      has_xsave2_(vm.Extension(KVM_CAP_XSAVE2) > 0),
      xsave_size_(std::max<size_t>(kSmallestXsave,
                                   static_cast<size_t>(std::max(vm.Extension(KVM_CAP_XSAVE2), 0)))),
      xcr0_(vm.SupportedXcr0()) {
  FindMsrs();
}

void StateAccess::Save(cpu::CpuState& state, u64 clock_ns) const {
  SaveRegisters(state);
  SaveEvents(state);
  SaveDebug(state);
  SaveExtended(state);
  SaveMsrs(state, clock_ns);
}

// Events last: KVM looks at the segments and flags when it takes them. MSRs that need features of
// CPUID or bits of XCR0 come after these.
Result<void> StateAccess::Load(const cpu::CpuState& state, const LoadContext& context) {
  const char* refused = nullptr;
  const auto note = [&](bool is_taken, const char* what) {
    if (!is_taken && refused == nullptr) {
      refused = what;
    }
  };
  note(LoadSystem(state, context.apic_base), "segments and control registers");
  note(LoadControls(state), "XCR0");
  note(LoadExtended(state), "x87 and vector registers");
  LoadMsrs(state, context.tsc);
  note(LoadDebug(state), "debug registers");
  note(LoadGeneral(state), "general registers");
  note(LoadEvents(state), "pending events");
  return refused == nullptr ? Result<void>()
                            : Fail("KVM does not take the {} of this state", refused);
}

}  // namespace tandem::accel::kvm
