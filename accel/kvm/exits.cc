// What the guest left KVM for. api.rst, "The kvm_run structure".
#include <linux/kvm.h>

#include "accel/kvm/kvm_vcpu.h"
#include "base/log.h"

namespace tandem::accel::kvm {

std::optional<Exit> KvmVcpu::ServeExit() {
  if (run_.exit_reason != KVM_EXIT_INTERNAL_ERROR) {
    was_rescued_ = false;
  }
  switch (run_.exit_reason) {
    case KVM_EXIT_IO:
      ServePorts();
      return std::nullopt;
    case KVM_EXIT_MMIO:
      ServeMemory();
      return std::nullopt;
    case KVM_EXIT_HLT:
      return Halt();
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
    case KVM_EXIT_INTR:
      return std::nullopt;
    case KVM_EXIT_IOAPIC_EOI:
      apics_.EndOfInterrupt(run_.eoi.vector);
      return std::nullopt;
    case KVM_EXIT_DEBUG:
      return ServeDebugExit();
    case KVM_EXIT_SHUTDOWN:
      activity_ = cpu::Activity::kShutdown;
      return ShutDown{};
    case KVM_EXIT_INTERNAL_ERROR:
      return ServeFailure();
    case KVM_EXIT_FAIL_ENTRY:
      return Fail(fmt::format("the processor refuses to enter the guest (reason {:#x})",
                              u64{run_.fail_entry.hardware_entry_failure_reason}));
    case KVM_EXIT_SYSTEM_EVENT:
      Log(LogItem::kAccel, "vcpu {}: system event {}", id_, u32{run_.system_event.type});
      return run_.system_event.type == KVM_SYSTEM_EVENT_CRASH
                 ? Fail("the guest reports that it has crashed")
                 : Exit(ShutDown{});
    default:
      return Fail(fmt::format("exit reason {} is unknown here", u32{run_.exit_reason}));
  }
}

void KvmVcpu::ServePorts() {
  ++exits_.ports;
  is_unfinished_ = true;
  const u32 size = run_.io.size;
  const Gpa port(run_.io.port);
  const auto view = env_.ports.View();
  for (u32 i = 0; i < run_.io.count; ++i) {
    const auto data = shared_.subspan(run_.io.data_offset + u64{i} * size, size);
    if (run_.io.direction == KVM_EXIT_IO_OUT) {
      (void)view->Write(port, data);
    } else {
      (void)view->Read(port, data);
    }
  }
}

// Writes to ROM come here too, and are dropped by the map.
void KvmVcpu::ServeMemory() {
  ++exits_.memory;
  is_unfinished_ = true;
  if (ServeApicPage()) {
    return;
  }
  const Gpa address(run_.mmio.phys_addr);
  const auto data = std::as_writable_bytes(std::span(run_.mmio.data, run_.mmio.len));
  const auto view = env_.memory.View();
  if (run_.mmio.is_write != 0) {
    (void)view->Write(address, data);
  } else {
    (void)view->Read(address, data);
  }
}

// Without a local APIC in the kernel. What may wake the processor is looked at in the next round.
std::optional<Exit> KvmVcpu::Halt() {
  ++exits_.halts;
  activity_ = cpu::Activity::kHalted;
  return debug_.single_step ? std::optional<Exit>(Stepped{}) : std::nullopt;
}

Exit KvmVcpu::Fail(const std::string& what) {
  return Fatal{fmt::format("kvm: {}\n{}", what, Dump())};
}

}  // namespace tandem::accel::kvm
