#include <optional>

#include "cpu/exec/unit.h"
#include "jit/engine/code_point.h"
#include "jit/engine/engine.h"

// The x87 unit notes where its last instruction stood and what that accessed: in translated code these
// are places of the host, which the guest must not see. They become the guest's again when the state
// leaves the host's unit; what cannot be told reads as zero. SDM Vol. 1, 8.1.8.
namespace tandem::jit {
namespace {

// RIP of a page's start from its tag, in which numbers may be mixed from bit 48 on.
u64 PageOfTag(u64 tag) { return static_cast<u64>(static_cast<i64>(tag << 16) >> 16); }

}  // namespace

// The instruction whose host code lies there. Its page is where it was mapped last.
std::optional<Engine::X87Place> Engine::PlaceOf(const u8* code) {
  MutexLock lock(shared_.cache().mutex());
  const Block* const block = shared_.cache().FindByCode(code);
  if (block == nullptr) {
    return std::nullopt;
  }
  const CodePoint* const point =
      PointAt(*block, static_cast<u32>(shared_.space().ToWritable(code) - block->code));
  const u64 host = point == nullptr ? 0 : HostOf(*block, point->offset);
  if (host == 0) {
    return std::nullopt;
  }
  const u64 page = PageOfTag(context_.page_tags[block->page_id]);
  X87Place place{(page + static_cast<u64>(i64{point->offset})) & interpreter_.core().rip_mask, {}};
  const size_t left = static_cast<size_t>(kPageBytes) - OffsetInPage(point->offset);
  const auto mode = cpu::DecodeModeOf(mode_.code_bits, mode_.is_real, interpreter_.core().model);
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(host), left);
  if (cpu::Decode(mode, bytes, place.inst) != cpu::DecodeStatus::kOk) {
    place.inst = {};
  }
  return place;
}

// The linear address at which the current bank of the TLB or a cached run has a host address.
std::optional<u64> Engine::LinearOfHost(u64 host) const {
  const MicroEntry* const all = &context_.micro[0][0][0];
  for (u32 i = 0; i < context_.micro_used_count; ++i) {
    const MicroEntry& run = all[context_.micro_used[i]];
    if (run.base != kNoBase && host - run.host <= run.limit[0]) {
      return run.base + (host - run.host);
    }
  }
  for (const cpu::TlbEntry& entry : context_.tlb.banks[mode_.bank]) {
    const u64 tag = entry.read_tag != cpu::kNoTag ? entry.read_tag : entry.write_tag;
    const u64 page = tag & ~(kPageSize - 1);
    if (tag != cpu::kNoTag && host - (page + entry.addend) < kPageSize) {
      return page + host % kPageSize;
    }
  }
  return std::nullopt;
}

// image: as the host's unit left it; the state still has what was loaded into it.
void Engine::MendX87Pointers(cpu::FxImage& image) {
  const auto* const code = reinterpret_cast<const u8*>(image.fip);
  if (!shared_.space().HoldsExecutable(code)) {
    return;
  }
  const std::optional<X87Place> place = PlaceOf(code);
  const bool is_known = place && place->inst.host_class == cpu::HostClass::kX87;
  image.fip = place ? place->rip : 0;
  const auto [opcode, modrm] = is_known ? cpu::X87OpcodeOf(place->inst) : cpu::X87Opcode{};
  image.fop = static_cast<u16>((opcode & 7) << 8 | modrm);
  if (image.fdp == state_.fx.fdp) {
    return;
  }
  const bool has_memory = is_known && MemoryOperandOf(place->inst) != nullptr;
  const auto segment = has_memory ? place->inst.mem.segment : cpu::SegReg::kDs;
  const std::optional<u64> linear = LinearOfHost(image.fdp);
  image.fdp = linear ? *linear - context_.segment_base[static_cast<size_t>(segment)] : 0;
}

}  // namespace tandem::jit
