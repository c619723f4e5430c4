// A debugger's wishes: every instruction is interpreted and looked at.
#include "accel/dbt/dbt_vcpu.h"
#include "base/bits.h"
#include "base/check.h"
#include "cpu/exec/operand.h"

namespace tandem::accel {
namespace {

constexpr std::byte kInt3{0xcc};

}  // namespace

// Watches keep the places of their breakpoints; those for execution watch nothing.
void DbtVcpu::SetDebug(const DebugSpec& spec) {
  CHECK(spec.breakpoints.size() <= kMaxBreakpoints);
  debug_ = spec;
  std::vector<cpu::Mmu::Watch> watches;
  for (const Breakpoint& breakpoint : spec.breakpoints) {
    const bool is_data = breakpoint.kind != BreakpointKind::kExecute;
    watches.push_back({.start = breakpoint.address,
                       .length = is_data ? breakpoint.length : u64{0},
                       .is_for_writes = breakpoint.kind == BreakpointKind::kWrite});
  }
  interpreter_.mmu().SetWatches(std::move(watches));
}

std::optional<Exit> DbtVcpu::ExecuteDebugged() {
  if (std::optional<Exit> exit = StopInFront()) {
    return exit;
  }
  const u64 done = Interpret(1);
  if (done != 0) {
    reported_.reset();
  }
  if (std::optional<Exit> exit = StopBehind()) {
    return exit;
  }
  return done != 0 && debug_.single_step ? std::optional<Exit>(Stepped{}) : std::nullopt;
}

std::optional<Exit> DbtVcpu::StopInFront() {
  const u64 linear = cpu::Linear(interpreter_.core(), cpu::SegReg::kCs, state_.rip).value;
  for (const Breakpoint& breakpoint : debug_.breakpoints) {
    if (breakpoint.kind == BreakpointKind::kExecute && breakpoint.address == linear &&
        reported_ != linear) {
      reported_ = linear;
      return HitBreakpoint{BreakpointKind::kExecute, linear};
    }
  }
  if (!debug_.stops_at_int3) {
    return std::nullopt;
  }
  Gpa address;
  std::byte opcode{};
  if (interpreter_.mmu().DebugTranslate(Gva(linear), address)) {
    (void)env_.memory.View()->DmaRead(address, {&opcode, 1});
  }
  if (opcode != kInt3) {
    return std::nullopt;
  }
  return HitBreakpoint{BreakpointKind::kExecute, linear, /*is_int3=*/true};
}

std::optional<Exit> DbtVcpu::StopBehind() {
  const u32 hits = interpreter_.mmu().TakeWatchHits();
  for (size_t i = 0; i < debug_.breakpoints.size(); ++i) {
    if (Bit(hits, static_cast<unsigned>(i))) {
      return HitBreakpoint{debug_.breakpoints[i].kind, debug_.breakpoints[i].address};
    }
  }
  return std::nullopt;
}

}  // namespace tandem::accel
