#include <cstring>

#include "base/log.h"
#include "cpu/state/signature.h"
#include "devices/pci/assign.h"
#include "firmware/acpi.h"
#include "frontend/machine/board.h"

// Kernel, firmware and the boot processor's first state.
namespace tandem::frontend {
namespace {

cpu::Segment ToSegment(const firmware::EntrySegment& from) {
  return {from.base, from.limit, from.selector, from.attributes};
}

void ApplyEntry(const firmware::CpuEntry& entry, cpu::CpuState& state) {
  using cpu::SegReg;
  if (entry.kind == firmware::EntryKind::kResetVector) {
    return;
  }
  state.gpr.fill(0);
  state.gpr[cpu::kRax] = entry.rax;
  state.gpr[cpu::kRbx] = entry.rbx;
  state.gpr[cpu::kRsi] = entry.rsi;
  state.gpr[cpu::kRsp] = entry.rsp;
  state.rip = entry.rip;
  state.rflags = cpu::kFlagFixed1;
  state.cr0 = entry.cr0;
  state.cr3 = entry.cr3;
  state.cr4 = entry.cr4;
  state.msr.efer = entry.efer;
  state.gdtr = {entry.gdt_base, entry.gdt_limit};
  state.idtr = {0, 0};
  for (const SegReg reg : {SegReg::kDs, SegReg::kEs, SegReg::kSs, SegReg::kFs, SegReg::kGs}) {
    state.Seg(reg) = ToSegment(entry.data);
  }
  state.Seg(SegReg::kCs) = ToSegment(entry.code);
  state.tr = ToSegment(entry.task);
  state.ldtr = {};
}

Result<firmware::KernelFiles> PlaceFiles(const MachineConfig& config,
                                         const std::shared_ptr<const devices::FlatView>& memory) {
  auto files = firmware::ReadKernelFiles(config.kernel, config.initrd, config.append);
  if (files) {
    firmware::PlaceKernel(memory, *files);
  }
  return files;
}

// Direct boot: what a BIOS would have set up, then the kernel's entry point. The files are read
// anew for each boot, as between two they would only take memory.
Result<firmware::CpuEntry> LoadDirectly(Board& board) {
  const auto files = board.files_ahead.valid() ? board.files_ahead.get()
                                               : PlaceFiles(board.config, board.memory.View());
  if (!files) {
    return files.error();
  }
  devices::AssignResources(*board.pci, board.ports, {});
  auto boot = firmware::LoadKernel(board.memory.View(), board.Facts(), *files);
  if (!boot) {
    return boot.error();
  }
  std::memcpy(board.rom->data(), boot->bios_area.data(), boot->bios_area.size());
  const auto ports = board.ports.View();
  for (const firmware::PortWrite& write : boot->port_writes) {
    const auto value = static_cast<std::byte>(write.value);
    (void)ports->Write(Gpa(write.port), {&value, 1});
  }
  return boot->entry;
}

void StartProcessors(Board& board, const std::function<void(cpu::CpuState&)>& start) {
  for (devices::VcpuId id = 0; id < board.run.vcpu_count(); ++id) {
    cpu::CpuState state;
    cpu::PowerOnReset(state, id == 0, cpu::Signature(board.cpu_model));
    if (id == 0) {
      start(state);
    }
    board.run.vcpu(id).Load(state);
  }
}

}  // namespace

Result<void> LoadAhead(Board& board) {
  if (!board.BootsThroughBios()) {
    board.files_ahead =
        std::async(std::launch::async, &PlaceFiles, std::cref(board.config), board.memory.View());
  }
  return {};
}

Result<void> LoadGuest(Board& board) {
  firmware::CpuEntry entry;
  if (!board.BootsThroughBios()) {
    auto loaded = LoadDirectly(board);
    if (!loaded) {
      return loaded.error();
    }
    entry = *loaded;
  }
  StartProcessors(board, [&](cpu::CpuState& state) { ApplyEntry(entry, state); });
  return {};
}

// A BIOS looks at the reason in CMOS and finds the waking vector itself. Without one the guest is
// entered as it would do it: in real mode, at the vector's paragraph. ACPI 6.4, 5.2.10.
Result<void> WakeGuest(Board& board) {
  constexpr u8 kShutdownStatus = 0x0f, kResumes = 0xfe;
  if (board.BootsThroughBios()) {
    board.rtc->SetCmos(kShutdownStatus, kResumes);
    StartProcessors(board, [](cpu::CpuState&) {});
    return {};
  }
  devices::AssignResources(*board.pci, board.ports, {});
  const std::optional<u32> vector =
      firmware::WakingVector(*board.memory.View(), firmware::RsdpAddress());
  if (!vector || *vector > 0xfffff) {
    return Fail("the guest woke from S3 without a waking vector below 1 MiB");
  }
  StartProcessors(board, [&](cpu::CpuState& state) {
    cpu::Segment& code = state.Seg(cpu::SegReg::kCs);
    code.selector = static_cast<u16>(*vector >> 4);
    code.base = *vector & ~15u;
    state.rip = *vector & 15;
  });
  return {};
}

}  // namespace tandem::frontend
