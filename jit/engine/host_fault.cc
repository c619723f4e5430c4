#include "cpu/exec/flags.h"
#include "jit/engine/code_point.h"
#include "jit/engine/engine.h"
#include "jit/engine/shadow_stack.h"

// Host faults in translated code: division errors, misaligned vector operands and unmasked
// floating-point exceptions are the guest's; the interpreter executes the instruction once more and
// finds out which.
namespace tandem::jit {
namespace {

// The code that brings the registers of the place to where the interpreter finds them, and goes on
// to it; null: they are there.
const u8* RescueAt(const Block& block, u32 place) {
  if (block.extras) {
    for (const Rescue& rescue : block.extras->rescues) {
      if (place >= rescue.start && place < rescue.end) {
        return block.code + rescue.code;
      }
    }
  }
  return nullptr;
}

}  // namespace

bool Engine::HandleHostFault(u64 fault_address, u64 host_flags, u64& rip, u64& rsp,
                             u64& scratch0) {
  const auto* const at = reinterpret_cast<const u8*>(rip);
  if (!shared_.space().HoldsExecutable(at)) {
    return false;
  }
  if (user_stack_->IsGuard(fault_address) || kernel_stack_->IsGuard(fault_address)) {
    rsp = context_.shadow_base;
    return true;
  }
  MutexLock lock(shared_.cache().mutex());
  const Block* const block = shared_.cache().FindByCode(at);
  if (block == nullptr) {
    return false;
  }
  const u32 offset = static_cast<u32>(shared_.space().ToWritable(at) - block->code);
  const CodePoint* const point = PointAt(*block, offset);
  if (point == nullptr) {
    return false;
  }
  if (point->flags_in_host) {
    context_.flags_ax = cpu::AxFromFlags(host_flags);
  }
  scratch0 = SiteRecord{point->offset, block->homes}.Pack();
  const u8* const rescue = RescueAt(*block, offset);
  const u8* const next = rescue != nullptr ? rescue : shared_.thunks().interpret;
  rip = reinterpret_cast<u64>(shared_.space().ToExecutable(next));
  return true;
}

}  // namespace tandem::jit
