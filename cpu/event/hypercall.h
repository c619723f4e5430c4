#pragma once

#include "cpu/event/context.h"

namespace tandem::cpu {

// VMCALL and VMMCALL: the hypercalls of KVM's guest interface (Linux, Documentation/virt/kvm/x86/
// hypercalls.rst). RAX has the number, RBX, RCX, RDX and RSI the arguments; the answer comes in
// RAX, -1000 for calls that are not there. #UD outside CPL 0, as on a processor without a
// hypervisor.
Fault Hypercall(Context& context);

}  // namespace tandem::cpu
