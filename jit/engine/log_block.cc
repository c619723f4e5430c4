#include "jit/engine/log_block.h"

#include <utility>

#include "base/log.h"
#include "cpu/decode/decoder.h"

namespace tandem::jit {
namespace {

constexpr cpu::DecodeMode kHostMode{64};

bool Asks(u32 items, LogItem item) { return (items & static_cast<u32>(item)) != 0; }

}  // namespace

template <typename... Args>
void BlockText::Line(fmt::format_string<Args...> format, Args&&... args) {
  text_ += text_.empty() ? "" : "\n";
  text_ += fmt::format(format, std::forward<Args>(args)...);
}

u64 BlockText::AddressOf(const UnitInst& unit_inst) const {
  const u64 linear = parts_.page + static_cast<u64>(i64{unit_inst.offset});
  return parts_.unit.mode.code_bits == 64 ? linear : static_cast<u32>(linear);
}

// The address of the instruction with the check that covers an access.
u64 BlockText::LeaderOf(const AccessPlan& plan) const {
  for (size_t i = 0; i < parts_.accesses.size(); ++i) {
    const InstAccesses& accesses = parts_.accesses[i];
    if (plan.leader == &accesses.memory || plan.leader == &accesses.stack) {
      return AddressOf(parts_.unit.insts[i]);
    }
  }
  return 0;
}

void BlockText::AddHeader() {
  const Unit& unit = parts_.unit;
  const Block& block = parts_.block;
  Line("block {}: {} of {} instructions at {:#x}, {}, {} bytes of host code",
       static_cast<const void*>(parts_.space.ToExecutable(block.code)),
       unit.is_region ? "region" : "unit", unit.insts.size(), AddressOf(unit.insts[unit.entry]),
       ModeText(unit.mode), block.code_size);
}

// Where the host code of the guest instruction at this offset starts; some have several points, some
// none of their own, as they have no code.
u32 BlockText::HostStartOf(i32 offset) const {
  for (const CodePoint& point : parts_.block.points) {
    if (point.offset >= offset) {
      return point.host;
    }
  }
  return parts_.block.cold;
}

const char* BlockText::ThunkAt(const u8* target) const {
  const Thunks& thunks = parts_.thunks;
  const struct {
    const u8* code;
    const char* name;
  } names[] = {{thunks.interpret, "interpret"},     {thunks.poll, "poll"},
               {thunks.verify, "verify"},           {thunks.link, "link"},
               {thunks.branch, "branch"},           {thunks.find_branch, "find_branch"},
               {thunks.branch_miss, "branch_miss"}, {thunks.call_out, "call_out"},
               {thunks.execute, "execute"},         {thunks.load_x87, "load_x87"},
               {thunks.load_vectors, "load_vectors"}, {thunks.entered, "entered"}};
  for (const auto& [code, name] : names) {
    if (code == target) {
      return name;
    }
  }
  for (const auto& [read, write] : thunks.miss) {
    if (target == read || target == write) {
      return target == read ? "miss_read" : "miss_write";
    }
  }
  return nullptr;
}

// Returns where the next one starts. Behind the call of some thunks stand records.
u32 BlockText::AddHostInst(u32 at, u32 to) {
  const u8* const code = parts_.block.code + at;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(code), to - at);
  cpu::Inst inst;
  if (cpu::Decode(kHostMode, bytes, inst) != cpu::DecodeStatus::kOk) {
    return to;
  }
  const u64 address = reinterpret_cast<u64>(parts_.space.ToExecutable(code));
  const bool is_branch = inst.op == cpu::Op::kCall || inst.op == cpu::Op::kJmp;
  const u8* const target = code + inst.length + static_cast<i64>(inst.immediate);
  const char* const thunk = is_branch ? ThunkAt(target) : nullptr;
  Line("    {:#x}: {}{}{}", address, cpu::Disassemble(kHostMode, bytes, address),
       thunk != nullptr ? "  ; " : "", thunk != nullptr ? thunk : "");
  u32 next = at + inst.length;
  if (thunk != nullptr && (target == parts_.thunks.link || target == parts_.thunks.entered)) {
    static_assert(sizeof(LinkRecord) == sizeof(EntryRecord));
    Line("    {:#x}: (record)", address + inst.length);
    next += static_cast<u32>(sizeof(LinkRecord));
  }
  return next;
}

void BlockText::AddHost(u32 from, u32 to) {
  while (from < to) {
    from = AddHostInst(from, to);
  }
}

// What the translator knew before it made code.
void BlockText::AddPlan(size_t i) {
  const UnitInst& unit_inst = parts_.unit.insts[i];
  const FlagLiveness& live = parts_.live[i];
  Line("  op: {}{}; flags live before: {}; behind: {}", TreatmentText(unit_inst.treatment),
       unit_inst.is_leader ? ", entered here" : "", FlagsText(live.before), FlagsText(live.after));
  for (const AccessPlan* plan : {&parts_.accesses[i].memory, &parts_.accesses[i].stack}) {
    if (plan->form != AccessForm::kNone) {
      Line("  op: {}", AccessText(*plan, LeaderOf(*plan)));
    }
  }
}

void BlockText::AddInst(size_t i, u32 items) {
  const Unit& unit = parts_.unit;
  const UnitInst& unit_inst = unit.insts[i];
  const u64 address = AddressOf(unit_inst);
  const std::span<const std::byte> code =
      std::as_bytes(std::span(unit_inst.inst.bytes)).first(unit_inst.inst.length);
  if (Asks(items, LogItem::kInAsm)) {
    Line("  {:#x}: {}", address, cpu::Disassemble(parts_.mode, code, address));
  } else {
    Line("  {:#x}:", address);
  }
  if (Asks(items, LogItem::kOp)) {
    AddPlan(i);
  }
  if (Asks(items, LogItem::kOutAsm)) {
    const bool is_last = i + 1 == unit.insts.size();
    AddHost(HostStartOf(unit_inst.offset),
            is_last ? parts_.block.cold : HostStartOf(unit.insts[i + 1].offset));
  }
}

std::string BlockText::Make(u32 items) {
  AddHeader();
  if (const std::string homes = HomesText(parts_.unit.homes);
      Asks(items, LogItem::kOp) && !homes.empty()) {
    Line("  op: {}", homes);
  }
  if (Asks(items, LogItem::kOutAsm)) {
    AddHost(0, HostStartOf(parts_.unit.insts.front().offset));
  }
  for (size_t i = 0; i < parts_.unit.insts.size(); ++i) {
    AddInst(i, items);
  }
  if (Asks(items, LogItem::kOutAsm) && parts_.block.cold < parts_.block.code_end()) {
    Line("  off the straight path:");
    AddHost(parts_.block.cold, static_cast<u32>(parts_.block.code_end()));
  }
  return std::move(text_);
}

}  // namespace tandem::jit
