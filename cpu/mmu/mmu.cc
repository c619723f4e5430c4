#include "cpu/mmu/mmu.h"

#include "base/bits.h"

namespace tandem::cpu {
namespace {

constexpr u32 kApicBaseMsr = 0x1b;
constexpr u64 kPdptePresent = 1;
constexpr u64 kPdpteReservedLow = 0x1e6;  // bits 1, 2, 5-8

}  // namespace

Mmu::Mmu(CpuState& state, const CpuModel& model, devices::AddressSpace& memory,
         devices::LocalApic* apic, CodeWatch& code, TlbStorage& tlb)
    : state_(state),
      model_(model),
      memory_(memory),
      apic_(apic),
      code_(code),
      tlb_(tlb),
      view_(memory.View()),
      tables_(*view_),
      pages_(std::make_unique<std::array<std::array<PageInfo, kTlbEntries>, kBankCount>>()) {
  tlb_.generations.fill(0);
  tlb_.local_slots.fill({});
  for (TlbBank& bank : tlb_.banks) {
    bank.fill(kNoEntry);
  }
  memory_.Listen(*this);
  ApicBaseChanged();
  UpdateMode();
}

Mmu::~Mmu() { memory_.Unlisten(*this); }

void Mmu::OnViewChanged(const std::shared_ptr<const devices::FlatView>&) { RequestFlush(); }

void Mmu::OnDirtyLogChanged() { RequestFlush(); }

void Mmu::ServeFlushRequest() {
  const u32 requests = requests_.exchange(0, std::memory_order_acq_rel);
  if ((requests & kDropWritesRequest) != 0) {
    DropAllWriteTags();
  }
  if ((requests & kFlushRequest) == 0) {
    return;
  }
  view_ = memory_.View();
  tables_ = PageTableMemory(*view_);
  last_range_ = nullptr;
  joined_.Forget();
  FlushAll();
}

void Mmu::ApicBaseChanged() {
  apic_page_ = kNoPage;
  const std::optional<u64> base = apic_ != nullptr ? apic_->ReadMsr(kApicBaseMsr) : std::nullopt;
  const bool is_memory_mapped = base && Bit(*base, 11) && !Bit(*base, 10);
  if (is_memory_mapped) {
    apic_page_ = *base & 0x000ffffffffff000;
  }
  FlushAll();
}

void Mmu::UpdateMode() {
  const bool checks_alignment =
      state_.cpl == 3 && (state_.cr0 & kCr0Am) != 0 && (state_.rflags & kFlagAc) != 0;
  SelectBank(checks_alignment ? kNeverBank : DataRights().bank);
}

Fault Mmu::LoadPdptes(u64 cr3) {
  const u64 above = ~((u64{1} << model_.physical_address_bits) - 1);
  std::array<u64, 4> pdptes{};
  for (u64 i = 0; i < 4; ++i) {
    pdptes[i] = tables_.Load(Gpa((cr3 & 0xffffffe0) + 8 * i), 8);
    if ((pdptes[i] & kPdptePresent) != 0 && (pdptes[i] & (kPdpteReservedLow | above)) != 0) {
      return Fault::Gp();
    }
  }
  state_.pdpte = pdptes;
  return Fault::None();
}

}  // namespace tandem::cpu
