#pragma once

#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cpu/mmu/access_kind.h"
#include "cpu/mmu/flush_observer.h"
#include "cpu/mmu/page_table_memory.h"
#include "cpu/mmu/pcid_table.h"
#include "cpu/mmu/region_set.h"
#include "cpu/mmu/tlb.h"
#include "cpu/mmu/walk.h"
#include "cpu/state/cpu_model.h"
#include "cpu/state/cpu_state.h"
#include "cpu/state/fault.h"
#include "devices/bus/address_space.h"
#include "devices/bus/irq.h"
#include "devices/bus/joined_pages.h"

namespace tandem::cpu {

// Who keeps decoded copies of guest code. Called on the vCPU's thread.
class CodeWatch {
 public:
  virtual ~CodeWatch() = default;
  // Whether bytes of the 4 KiB page at this address have been decoded: writes to it are then
  // reported one by one.
  virtual bool HoldsCode(Gpa page) const = 0;
  // Whether any page of the range does; both are multiples of 4 KiB.
  virtual bool HoldsAnyCode(Gpa start, u64 length) const = 0;
  // Bytes of such a page were written just now.
  virtual void OnCodeWritten(Gpa start, u64 length) = 0;
};

// The guest bytes of one page for the decoder.
struct CodePage {
  const std::byte* host = nullptr;  // byte 0 of the page; null: not RAM, fetch through Read
  Gpa gpa;                          // of byte 0
  // The aligned linear region of this size (a power of two) around the address lies in one guest
  // page and in one run of host memory.
  u64 page_size = kPageSize;
  bool is_global = false;
};

// Guest bytes that are plain host memory: host = linear + addend (mod 2^64) for the length bytes
// from linear. Of the address space's pages, not of a segment.
struct PlainRun {
  u64 linear = 0;
  u64 length = 0;
  u64 addend = 0;
  bool is_global = false;

  bool Holds(Gva address, u64 size) const {
    return address.value - linear < length && size <= length - (address.value - linear);
  }
};

// Address translation and memory access of one vCPU: page walk, TLB, permission and debug-register
// checks. All calls on the vCPU's thread, but for RequestFlush. SDM Vol. 3, chapter 4 "Paging".
//
// All addresses are linear (segmentation is the caller's). A non-canonical address in 64-bit mode
// is #GP(0); callers turn it into #SS(0) where the access went through SS.
class Mmu final : public devices::TopologyListener {
 public:
  // apic may be null. All references outlive the Mmu; what the tlb held before is dropped.
  Mmu(CpuState& state, const CpuModel& model, devices::AddressSpace& memory,
      devices::LocalApic* apic, CodeWatch& code, TlbStorage& tlb);
  ~Mmu() override;

  // Data access at the current privilege. Sizes 1, 2, 4, 8, 16, 32, 64; any alignment. Nothing is
  // written when the result is a fault, even where only the second page of an access faults.
  template <typename T>
  Fault Read(Gva address, T& value) {
    if (const std::byte* host = Hit<&TlbEntry::read_tag>(address, sizeof(T))) [[likely]] {
      std::memcpy(&value, host, sizeof(T));
      return Fault::None();
    }
    return ReadSlow(address, {reinterpret_cast<std::byte*>(&value), sizeof(T)});
  }
  template <typename T>
  Fault Write(Gva address, const T& value) {
    if (std::byte* host = Hit<&TlbEntry::write_tag>(address, sizeof(T))) [[likely]] {
      std::memcpy(host, &value, sizeof(T));
      return Fault::None();
    }
    return WriteSlow(address, {reinterpret_cast<const std::byte*>(&value), sizeof(T)});
  }
  // The fast paths alone: null also where only a walk could tell.
  const std::byte* TryRead(Gva address, u32 size) {
    return Hit<&TlbEntry::read_tag>(address, size);
  }
  std::byte* TryWrite(Gva address, u32 size) { return Hit<&TlbEntry::write_tag>(address, size); }
  // Any length.
  Fault ReadBytes(Gva address, std::span<std::byte> bytes) { return ReadSlow(address, bytes); }
  Fault WriteBytes(Gva address, std::span<const std::byte> bytes) {
    return WriteSlow(address, bytes);
  }

  // Descriptor tables and task state: supervisor access whatever the CPL (SDM Vol. 3, 4.6).
  Fault ReadSystem(Gva address, std::span<std::byte> bytes);
  Fault WriteSystem(Gva address, std::span<const std::byte> bytes);

  // Checks that the bytes can be read and written (access and dirty bits are set, faults are those
  // of a write) and gives their host address for an atomic operation, valid until the next call. host
  // is null where they are no RAM or lie under a watchpoint: then read and write. must_report:
  // ReportUpdate is to be called when the operation is done, as for bytes of decoded code.
  Fault PinForUpdate(Gva address, u32 size, std::byte*& host, bool& must_report);
  void ReportUpdate(Gva address, u32 size);
  // Faults as reading or writing length bytes would, without doing it.
  Fault Probe(Gva address, u64 length, AccessKind kind);
  // Host pointer for bulk string operations: plain bytes from address to the end of its page for
  // this kind of access, or null where they must go one by one. Never faults by itself.
  std::byte* HostSpan(Gva address, AccessKind kind);

  // Translates like an access of size bytes at the current privilege (sets accessed and dirty bits,
  // fills the TLB) and tells the run of plain memory around it: all of a large page that is RAM,
  // all of RAM below 4 GiB without paging. Length 0 where accesses must go through Read or Write:
  // device memory, ROM or decoded code or logged pages for writes, armed watchpoints, alignment
  // checks, a page's end within the access. Faults are not raised: length 0 too. A run is good
  // until generation() counts, one for writes until write_generation() does as well.
  PlainRun FindPlainRun(Gva address, u32 size, AccessKind kind);

  // The page of code that holds the address; faults are those of an instruction fetch.
  Fault Fetch(Gva address, CodePage& page);

  // Debugger's view: translates by the current page tables, without access bits, faults or rights.
  bool DebugTranslate(Gva address, Gpa& result) const;

  // CPL, EFLAGS.AC, CR0, CR4, EFER or PKRU have changed: chooses the bank of access rights. Cheap;
  // it flushes nothing by itself.
  void UpdateMode();
  // The bank that data accesses of the current mode use.
  TlbBankIndex bank() const { return static_cast<TlbBankIndex>(bank_ - tlb_.banks.data()); }
  // PKRU, IA32_PKRS, DR0-DR7, paging bits of CR0, CR4 or EFER have changed; INVPCID type 2.
  void FlushAll();
  // CR3 was loaded: entries of the PCID it names are valid again or, without keeps_pcid (bit 63 of
  // the source with CR4.PCIDE), dropped. Global ones stay.
  void Cr3Loaded(bool keeps_pcid);
  void FlushNonGlobal();                        // of the current PCID
  void FlushPage(Gva address);                  // INVLPG: of the current PCID, and global
  void FlushPcid(u16 pcid);                     // INVPCID type 1
  void FlushPageOfPcid(u16 pcid, Gva address);  // INVPCID type 0
  void FlushAllPcids();                         // INVPCID type 3: global entries stay
  // Reads the four PDPTEs of PAE paging into the state; #GP(0) for reserved bits.
  Fault LoadPdptes(u64 cr3);

  // IA32_APIC_BASE was written or the APIC was reset: asks it where its page is now.
  void ApicBaseChanged();
  // The page has begun to hold decoded code: its cached translations, of all modes and under every
  // linear address, lose the right to write. Reads go on.
  void DropWriteTags(Gpa page);
  // Likewise, the page being named by its host memory.
  void DropWriteTagsOfHost(const std::byte* page);

  // For those who cache more than the TLB does: is told at once. Null: nobody; it outlives this or
  // is taken back.
  void SetFlushObserver(FlushObserver* observer) { observer_ = observer; }
  // Counts every change of what the current mode may
  // see: any flush, any load of CR3.
  u64 generation() const { return flush_count_; }
  // Counts those after which global or supervisor translations of any page may differ.
  u64 global_generation() const { return global_flush_count_; }
  // Names the contents of the user bank: comes back together with its PCID, and for other contents
  // not before global_generation() has counted.
  u64 user_generation_tag() const { return tlb_.generations[kUserBank]; }
  // Counts what takes the right to write alone: DropWriteTags, RequestDropWrites.
  u64 write_generation() const { return write_drop_count_; }

  // Bytes whose accesses a debugger wants to hear of, besides those of DR0-DR3.
  struct Watch {
    u64 start = 0;
    u64 length = 1;
    bool is_for_writes = false;  // only
  };
  void SetWatches(std::vector<Watch> watches);
  // Which were hit since the last call, a bit each.
  u32 TakeWatchHits() { return std::exchange(watch_hits_, 0); }

  // Any thread: all cached translations are dropped before the next instruction block begins. The
  // vCPU is kicked by the caller.
  void RequestFlush() { requests_.fetch_or(kFlushRequest, std::memory_order_release); }
  // Any thread, likewise: all cached translations lose the right to write, so that each page's next
  // write is seen. Does not count as a flush.
  void RequestDropWrites() { requests_.fetch_or(kDropWritesRequest, std::memory_order_release); }
  // Whether either is.
  bool FlushIsRequested() const { return requests_.load(std::memory_order_acquire) != 0; }
  // vCPU thread, between instructions: does what was requested, takes over a changed memory map.
  void ServeFlushRequest();

  const devices::FlatView& view() const { return *view_; }

 private:
  static constexpr u64 kNoPage = ~u64{0};
  static constexpr u32 kFlushRequest = 1, kDropWritesRequest = 2;

  // Whose rights an access has: a bank to look in and what the walk is told.
  struct Rights {
    TlbBankIndex bank;
    bool is_user;
    bool ignores_smap;
  };
  // Where an access goes. is_plain: host bytes, nobody needs to hear of the access.
  struct Target {
    std::byte* host = nullptr;  // of the address itself; null: MMIO, ROM written, local APIC
    Gpa gpa;                    // valid where is_plain is false
    const devices::FlatRange* range = nullptr;
    bool is_plain = false;
    bool is_apic = false;
  };

  static size_t SlotOf(Gva address) { return (address.value >> 12) % kTlbEntries; }

  template <u64 TlbEntry::*kTag>
  std::byte* Hit(Gva address, u64 size) {
    const TlbEntry& entry = (*bank_)[SlotOf(address)];
    // The last byte's page is compared: an access across the page's end misses.
    const u64 wanted = ((address.value + size - 1) & ~u64{0xfff}) | *bank_generation_;
    if (entry.*kTag != wanted) {
      return nullptr;
    }
    return reinterpret_cast<std::byte*>(address.value + entry.addend);
  }

  // Whether each access needs a look, as with alignment checks.
  bool UsesNeverBank() const { return bank_ == &tlb_.banks[kNeverBank]; }
  void SelectBank(TlbBankIndex bank) {
    bank_ = &tlb_.banks[bank];
    bank_generation_ = &tlb_.generations[bank];
  }

  // What an entry maps, besides its tags, in one word: it is scanned by address.
  struct PageInfo {
    u64 word = kNoPage;  // guest-physical page, log2 of the guest page's size, bit 0: global

    PageInfo() = default;
    PageInfo(Gpa page, u64 page_size, bool is_global)
        : word(page.value | static_cast<u64>(std::countr_zero(page_size)) << 1 | u64{is_global}) {}
    Gpa gpa() const { return Gpa(word & ~(kPageSize - 1)); }
    u64 page_size() const { return u64{1} << ((word >> 1) & 63); }
    bool is_global() const { return (word & 1) != 0; }
  };
  // Linear addresses that map to consecutive guest-physical ones.
  struct Extent {
    u64 linear = 0;
    Gpa gpa;
    u64 length = 0;
  };

  // access.cc
  Fault ReadSlow(Gva address, std::span<std::byte> bytes);
  Fault WriteSlow(Gva address, std::span<const std::byte> bytes);
  Fault ReadAs(const Rights& rights, Gva address, std::span<std::byte> bytes);
  Fault WriteAs(const Rights& rights, Gva address, std::span<const std::byte> bytes);
  Fault ProbeAs(const Rights& rights, Gva address, u64 length, AccessKind kind);
  Fault PinAcross(Gva address, std::byte*& host, bool& must_report);
  void NoteWritten(const Target& target, u64 size);
  Fault CheckAlignment(Gva address, u64 size) const;
  void ReadTarget(const Target& target, std::span<std::byte> bytes);
  void WriteTarget(const Target& target, std::span<const std::byte> bytes);
  void ReadApic(u32 offset, std::span<std::byte> bytes);
  void WriteApic(u32 offset, std::span<const std::byte> bytes);
  Gva NextPage(Gva address) const;

  // translate.cc
  Rights DataRights() const;
  Fault Translate(const Rights& rights, Gva address, AccessKind kind, Target& target);
  Fault TranslateMiss(const Rights& rights, Gva address, AccessKind kind, Target& target);
  Fault WalkOrIdentity(const Rights& rights, Gva address, AccessKind kind, Walk& walk);
  void Resolve(const Walk& walk, Target& target);
  void Fill(const Rights& rights, Gva address, const Walk& walk, Target& target, AccessKind kind);
  const devices::FlatRange* RamRange(Gpa page);
  void NoteLocality(TlbBankIndex bank, size_t slot, bool is_global);
  PagingState Paging() const;

  // plain_run.cc
  Rights FetchRights() const;
  Extent PageExtent(Gva address, const PageInfo& info) const;
  Extent Clip(Extent extent, Gva address, AccessKind kind, const devices::FlatRange& range) const;
  u64 PlainPageSize(Gva address, const PageInfo& info);

  // flush.cc
  void DropAllWriteTags();
  void NoteDroppedWrites();
  u16 CurrentPcid() const;
  bool RenewBank(TlbBankIndex bank);
  void RenewUserBank();
  void DropLocalSupervisorEntries();
  void DropLocal();
  void DropPageEntries(Gva page, Gva region, u64 size);
  template <typename Pages>
  void DropPages(Gva region, u64 size, const Pages& pages);
  void NoteLargePage(Gva address, u64 page_size);
  u64 LargePageSizeAround(Gva address);

  // watchpoint.cc
  bool HasWatchpoints() const { return (state_.dr7 & 0xff) != 0 || !watches_.empty(); }
  bool PageIsWatched(Gva address) const;
  void MatchWatchpoints(Gva address, u64 length, AccessKind kind);

  void OnViewChanged(const std::shared_ptr<const devices::FlatView>& view) override;
  void OnDirtyLogChanged() override;
  void OnDirtyLogWanted() override {}  // every write of ours was marked
  void OnDoorbellsChanged() override {}

  CpuState& state_;
  const CpuModel& model_;
  devices::AddressSpace& memory_;
  devices::LocalApic* apic_;
  CodeWatch& code_;
  TlbStorage& tlb_;
  std::shared_ptr<const devices::FlatView> view_;
  PageTableMemory tables_;
  const devices::FlatRange* last_range_ = nullptr;  // of view_
  u64 apic_page_ = kNoPage;
  // Of each TLB entry, also of dropped ones.
  std::unique_ptr<std::array<std::array<PageInfo, kTlbEntries>, kBankCount>> pages_;
  devices::JoinedPages joined_;
  TlbBank* bank_ = nullptr;  // that of the current mode
  const u64* bank_generation_ = nullptr;
  std::array<u64, kBankCount> newest_generations_{};  // 0 to 4094; older ones are not given again
  PcidTable pcids_;
  u64 flush_count_ = 0;
  u64 global_flush_count_ = 0;
  u64 write_drop_count_ = 0;
  // Which 4 MiB and 1 GiB regions hold entries of 2 or 4 MiB and of 1 GiB pages: INVLPG then drops
  // all of the region.
  RegionSet<8> large_4m_;
  RegionSet<4> large_1g_;
  FlushObserver* observer_ = nullptr;
  std::vector<Watch> watches_;
  u32 watch_hits_ = 0;
  std::atomic<u32> requests_{0};
};

}  // namespace tandem::cpu
