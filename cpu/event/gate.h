#pragma once

#include <optional>

#include "cpu/event/descriptor.h"

namespace tandem::cpu {

// One delivery through the IDT or IVT, on its way. Used within this room only.
struct Event {
  u8 vector = 0;
  bool is_software = false;  // INT n, INT3, INTO: the gate's DPL is checked, EXT is 0
  bool pushes_rf = false;    // fault-class exceptions: SDM Vol. 3, 6.8.3 and 17.3.1.1
  std::optional<u32> error_code;
  u64 return_rip = 0;

  u32 ext() const { return is_software ? 0 : 1; }
};

// Each delivers the event or returns the fault that kept it from doing so, nothing changed.
Fault DeliverReal(Context& context, const Event& event);       // through the IVT at idtr.base
Fault DeliverProtected(Context& context, const Event& event);  // 8-byte gates, v86 included
Fault DeliverLong(Context& context, const Event& event);       // 16-byte gates
// By the mode the processor is in.
Fault DeliverEvent(Context& context, const Event& event);

// INT n in virtual-8086 mode with CR4.VME whose bit in the TSS's redirection map is clear: through
// the IVT at linear address 0. SDM Vol. 3, 20.3.3.
Fault DeliverRedirected(Context& context, const Event& event);
Fault IsRedirected(Context& context, u8 vector, bool& is_redirected);

// The stack of an inner privilege level out of the present TSS; #TS(TSS selector) beyond its limit.
struct InnerStack {
  u16 selector = 0;
  u64 sp = 0;
};
Fault ReadInnerStack(Context& context, u8 cpl, u32 ext, InnerStack& stack);   // 16 or 32 bit
Fault ReadInnerStack64(Context& context, u8 cpl, u8 ist, u32 ext, u64& rsp);  // 64 bit
// Checks and reads the SS of an inner level; #TS or #SS.
Fault ReadInnerSegment(Context& context, u16 selector, u8 cpl, u32 ext, Descriptor& descriptor);

// Checks a gate's target code segment; the privilege to run at after the transfer.
Fault ReadGateCode(Context& context, u16 selector, u32 ext, Descriptor& code);

}  // namespace tandem::cpu
