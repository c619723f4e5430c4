#include "cpu/event/stack_frame.h"

#include <array>

#include "cpu/event/descriptor.h"

namespace tandem::cpu {

bool IsInLimit(const Segment& segment, u64 offset, u64 size) {
  const u64 last = offset + size - 1;
  if (!segment.is_expand_down()) {
    return last <= segment.limit;
  }
  const u64 top = segment.is_big() ? 0xffffffff : 0xffff;
  return offset > segment.limit && last <= top;
}

StackFrame::StackFrame(Context& context, const Segment& ss, u64 sp, bool is_user, bool is_64bit,
                       u32 error_code)
    : context_(context),
      ss_(ss),
      mask_(is_64bit ? ~u64{0} : (ss.is_big() ? 0xffffffff : 0xffff)),
      is_user_(is_user),
      is_64bit_(is_64bit),
      error_code_(error_code) {
  sp_ = Wrap(sp);
}

StackFrame StackFrame::Current(Context& context, u32 error_code) {
  const CpuState& state = context.state;
  return StackFrame(context, state.Seg(SegReg::kSs), state.gpr[kRsp], state.cpl == 3,
                    state.In64BitMode(), error_code);
}

Fault StackFrame::Linear(u64 offset, u32 size, AccessKind kind, Gva& linear) const {
  if (is_64bit_) {
    const bool is_canonical =
        IsCanonical(context_.state, offset) && IsCanonical(context_.state, offset + size - 1);
    linear = Gva(offset);
    return is_canonical ? Fault::None() : Fault::WithCode(Vector::kSs, error_code_);
  }
  const bool is_real = context_.state.HasRealSegments();
  const bool is_allowed =
      is_real || kind != AccessKind::kWrite || (ss_.is_writable() && ss_.is_present());
  if (!is_allowed || !IsInLimit(ss_, offset, size)) {
    return Fault::WithCode(Vector::kSs, error_code_);
  }
  linear = Gva((ss_.base + offset) & 0xffffffff);
  return Fault::None();
}

Fault StackFrame::Push(u64 value, u32 size) {
  const u64 sp = Wrap(sp_ - size);
  Gva linear;
  if (Fault fault = Linear(sp, size, AccessKind::kWrite, linear)) {
    return fault;
  }
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(&value), size);
  Fault fault =
      is_user_ ? context_.mmu.WriteBytes(linear, bytes) : context_.mmu.WriteSystem(linear, bytes);
  if (!fault) {
    sp_ = sp;
  }
  return fault;
}

Fault StackFrame::Peek(u64 offset, u64& value, u32 size) {
  Gva linear;
  if (Fault fault = Linear(Wrap(sp_ + offset), size, AccessKind::kRead, linear)) {
    return fault;
  }
  value = 0;
  const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(&value), size);
  return is_user_ ? context_.mmu.ReadBytes(linear, bytes) : context_.mmu.ReadSystem(linear, bytes);
}

Fault StackFrame::Pop(u64& value, u32 size) {
  Fault fault = Peek(0, value, size);
  if (!fault) {
    Skip(size);
  }
  return fault;
}

void StackFrame::CommitTo(u64& rsp) const {
  if (mask_ == 0xffff) {
    rsp = (rsp & ~u64{0xffff}) | sp_;
  } else {
    rsp = sp_;
  }
}

}  // namespace tandem::cpu
