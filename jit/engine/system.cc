#include "jit/engine/call_out.h"
#include "jit/engine/engine.h"

// Instructions that C++ executes for translated code.
namespace tandem::jit {

cpu::Flow Engine::Execute(const CallOut& call_out) {
  state_.rip = RipAt(call_out.offset);
  TakeState();
  if (call_out.uses_x87_image) {
    UnloadX87();
  }
  return interpreter_.ExecuteBound(call_out.bound.step);
}

// Whether translated code may go on as if nothing had happened.
bool Engine::PremisesHold() const {
  return !mode_is_old_ && context_.attention.load(std::memory_order_acquire) == 0 &&
         !mmu_.FlushIsRequested();
}

const u8* Engine::OnCallOut(const CallOut& call_out, const u8* behind) {
  ++counts_.call_outs;
  cpu::Flow flow = Execute(call_out);
  while (flow == cpu::Flow::kAgain && PremisesHold()) {
    PutState();
    flow = Execute(call_out);
  }
  const bool is_done = flow == cpu::Flow::kNext || flow == cpu::Flow::kEnd;
  if (is_done && PremisesHold()) [[likely]] {
    context_.segment_base = interpreter_.core().segment_base;
    PutState();
    return behind;
  }
  mode_is_old_ = true;
  return Resume();
}

const u8* Engine::OnExecute(const CallOut& call_out) {
  ++counts_.executed;
  (void)Execute(call_out);
  mode_is_old_ = true;
  return Resume();
}

}  // namespace tandem::jit
