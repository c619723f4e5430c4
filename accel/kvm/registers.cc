// General, segment and control registers. api.rst, KVM_GET_REGS and KVM_GET_SREGS2.
#include <linux/kvm.h>

#include <algorithm>
#include <array>

#include "accel/kvm/ioctl.h"
#include "accel/kvm/state_access.h"
#include "base/bits.h"

namespace tandem::accel::kvm {
namespace {

using cpu::SegReg;

// In the order of cpu::Gpr.
constexpr std::array<__u64 kvm_regs::*, 16> kGpr = {
    &kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rbx, &kvm_regs::rsp, &kvm_regs::rbp,
    &kvm_regs::rsi, &kvm_regs::rdi, &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
    &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15};

cpu::Segment FromKvm(const kvm_segment& from) {
  const u32 attributes = from.type | from.s << 4 | from.dpl << 5 | from.present << 7 |
                         from.avl << 12 | from.l << 13 | from.db << 14 | from.g << 15;
  const bool is_unusable = from.unusable != 0 || from.present == 0;
  return {from.base, from.limit, from.selector, static_cast<u16>(is_unusable ? 0 : attributes)};
}

kvm_segment ToKvm(const cpu::Segment& from) {
  kvm_segment to{};
  to.base = from.base;
  to.limit = from.limit;
  to.selector = from.selector;
  to.type = from.type();
  to.s = from.is_code_or_data();
  to.dpl = from.dpl();
  to.present = from.is_present();
  to.avl = Bit(from.attributes, 12);
  to.l = from.is_long();
  to.db = from.is_big();
  to.g = Bit(from.attributes, 15);
  to.unusable = !from.is_present();
  return to;
}

// KVM keeps CPL in SS, also where SS is null (SDM Vol. 3, "Guest Register State").
u8 CplOf(const cpu::CpuState& state, const kvm_segment& ss) {
  if (!state.InProtectedMode()) {
    return 0;
  }
  return state.InVirtual8086() ? 3 : ss.dpl;
}

bool UsesPdptes(const cpu::CpuState& state) {
  return (state.cr0 & cpu::kCr0Pg) != 0 && (state.cr4 & cpu::kCr4Pae) != 0 && !state.InLongMode();
}

// kvm_sregs and kvm_sregs2 name what they share alike.
template <typename Sregs>
void ReadSystem(const Sregs& from, cpu::CpuState& state) {
  state.cr0 = from.cr0;
  state.cr2 = from.cr2;
  state.cr3 = from.cr3;
  state.cr4 = from.cr4;
  state.msr.efer = from.efer;
  state.Seg(SegReg::kEs) = FromKvm(from.es);
  state.Seg(SegReg::kCs) = FromKvm(from.cs);
  state.Seg(SegReg::kSs) = FromKvm(from.ss);
  state.Seg(SegReg::kDs) = FromKvm(from.ds);
  state.Seg(SegReg::kFs) = FromKvm(from.fs);
  state.Seg(SegReg::kGs) = FromKvm(from.gs);
  state.ldtr = FromKvm(from.ldt);
  state.tr = FromKvm(from.tr);
  state.gdtr = {from.gdt.base, from.gdt.limit};
  state.idtr = {from.idt.base, from.idt.limit};
  state.cpl = CplOf(state, from.ss);
}

template <typename Sregs>
void WriteSystem(const cpu::CpuState& state, Sregs& to) {
  to.cr0 = state.cr0;
  to.cr2 = state.cr2;
  to.cr3 = state.cr3;
  to.cr4 = state.cr4;
  to.efer = state.msr.efer;
  to.es = ToKvm(state.Seg(SegReg::kEs));
  to.cs = ToKvm(state.Seg(SegReg::kCs));
  to.ss = ToKvm(state.Seg(SegReg::kSs));
  to.ss.dpl = state.cpl;
  to.ds = ToKvm(state.Seg(SegReg::kDs));
  to.fs = ToKvm(state.Seg(SegReg::kFs));
  to.gs = ToKvm(state.Seg(SegReg::kGs));
  to.ldt = ToKvm(state.ldtr);
  to.tr = ToKvm(state.tr);
  to.gdt.base = state.gdtr.base;
  to.gdt.limit = state.gdtr.limit;
  to.idt.base = state.idtr.base;
  to.idt.limit = state.idtr.limit;
}

}  // namespace

void StateAccess::SaveRegisters(cpu::CpuState& state) const {
  kvm_regs regs{};
  MustCall(fd_, KVM_GET_REGS, &regs);
  for (size_t i = 0; i < kGpr.size(); ++i) {
    state.gpr[i] = regs.*kGpr[i];
  }
  state.rip = regs.rip;
  state.rflags = regs.rflags;
  if (!has_sregs2_) {
    kvm_sregs sregs{};
    MustCall(fd_, KVM_GET_SREGS, &sregs);
    ReadSystem(sregs, state);
    return;
  }
  kvm_sregs2 sregs{};
  MustCall(fd_, KVM_GET_SREGS2, &sregs);
  ReadSystem(sregs, state);
  if ((sregs.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID) != 0) {
    std::copy(std::begin(sregs.pdptrs), std::end(sregs.pdptrs), state.pdpte.begin());
  }
}

bool StateAccess::LoadGeneral(const cpu::CpuState& state) const {
  kvm_regs regs{};
  for (size_t i = 0; i < kGpr.size(); ++i) {
    regs.*kGpr[i] = state.gpr[i];
  }
  regs.rip = state.rip;
  regs.rflags = state.rflags;
  return Call(fd_, KVM_SET_REGS, &regs) == 0;
}

// What is not ours (CR8, which is the local APIC's, and an APIC base of KVM's) is written back.
bool StateAccess::LoadSystem(const cpu::CpuState& state,
                             const std::optional<u64>& apic_base) const {
  if (!has_sregs2_) {
    kvm_sregs sregs{};
    MustCall(fd_, KVM_GET_SREGS, &sregs);
    std::fill(std::begin(sregs.interrupt_bitmap), std::end(sregs.interrupt_bitmap), 0);
    WriteSystem(state, sregs);
    sregs.apic_base = apic_base.value_or(sregs.apic_base);
    return Call(fd_, KVM_SET_SREGS, &sregs) == 0;
  }
  kvm_sregs2 sregs{};
  MustCall(fd_, KVM_GET_SREGS2, &sregs);
  WriteSystem(state, sregs);
  sregs.apic_base = apic_base.value_or(sregs.apic_base);
  sregs.flags = UsesPdptes(state) ? KVM_SREGS2_FLAGS_PDPTRS_VALID : 0;
  std::copy(state.pdpte.begin(), state.pdpte.end(), std::begin(sregs.pdptrs));
  return Call(fd_, KVM_SET_SREGS2, &sregs) == 0;
}

}  // namespace tandem::accel::kvm
