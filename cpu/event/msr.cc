// RDMSR and WRMSR: one row a register, in msr_table.inc.
#include <algorithm>
#include <array>

#include "base/log.h"
#include "cpu/event/msr_handlers.h"

namespace tandem::cpu {
namespace {

struct MsrRow {
  u32 first;
  u32 count;
  MsrReader read;
  MsrWriter write;
};

constexpr MsrRow kRows[] = {
#define MSR(name, first, count, reader, writer) {first, count, reader, writer},
#include "cpu/event/msr_table.inc"
#undef MSR
};
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const MsrRow& a, const MsrRow& b) { return a.first < b.first; }));

const MsrRow* FindRow(u32 index) {
  const auto* after =
      std::upper_bound(std::begin(kRows), std::end(kRows), index,
                       [](u32 wanted, const MsrRow& row) { return wanted < row.first; });
  if (after == std::begin(kRows)) {
    return nullptr;
  }
  const MsrRow* row = after - 1;
  return index - row->first < row->count ? row : nullptr;
}

}  // namespace

Fault ReadMsr(Context& context, u32 index, u64& value) {
  if (Fault fault = RequireCpl0(context.state)) {
    return fault;
  }
  const MsrRow* row = FindRow(index);
  if (row == nullptr) {
    Log(LogItem::kUnimp, "RDMSR of unknown MSR {:#x} at rip={:#x}", index, context.state.rip);
    return Fault::Gp();
  }
  return row->read(context, index, value);
}

Fault WriteMsr(Context& context, u32 index, u64 value) {
  if (Fault fault = RequireCpl0(context.state)) {
    return fault;
  }
  const MsrRow* row = FindRow(index);
  if (row == nullptr) {
    Log(LogItem::kUnimp, "WRMSR of unknown MSR {:#x} = {:#x} at rip={:#x}", index, value,
        context.state.rip);
    return Fault::Gp();
  }
  return row->write(context, index, value);
}

}  // namespace tandem::cpu
