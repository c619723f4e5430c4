#pragma once

#include <linux/kvm.h>

#include "devices/bus/irq_state.h"

namespace tandem::accel::kvm {

// KVM's forms of interrupt controllers' states and ours. A local APIC's base and deadline are
// elsewhere with KVM.
devices::LocalApicState FromKvm(const kvm_lapic_state& from);
kvm_lapic_state ToKvm(const devices::LocalApicState& from);
devices::PicState FromKvm(const kvm_pic_state& from);
kvm_pic_state ToKvm(const devices::PicState& from, bool is_master);
// Without the lines.
devices::IoApicState FromKvm(const kvm_ioapic_state& from);
kvm_ioapic_state ToKvm(const devices::IoApicState& from);

}  // namespace tandem::accel::kvm
