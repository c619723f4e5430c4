#pragma once

#include "cpu/event/context.h"

namespace tandem::cpu {

// Values pushed to, or popped from, a stack that is not (yet) the current one. RSP moves only when
// the caller commits sp(). Used within this room only.
class StackFrame {
 public:
  // error_code: of the #SS of a limit violation.
  StackFrame(Context& context, const Segment& ss, u64 sp, bool is_user, bool is_64bit,
             u32 error_code);
  // The current stack at the current privilege.
  static StackFrame Current(Context& context, u32 error_code = 0);

  Fault Push(u64 value, u32 size);
  Fault Pop(u64& value, u32 size);
  void Skip(u64 bytes) { sp_ = Wrap(sp_ + bytes); }
  Fault Peek(u64 offset, u64& value, u32 size);

  u64 sp() const { return sp_; }
  // Writes back sp() as the present stack's address size asks.
  void CommitTo(u64& rsp) const;

 private:
  u64 Wrap(u64 sp) const { return sp & mask_; }
  Fault Linear(u64 offset, u32 size, AccessKind kind, Gva& linear) const;

  Context& context_;
  Segment ss_;
  u64 sp_;
  u64 mask_;
  bool is_user_;
  bool is_64bit_;
  u32 error_code_;
};

// Whether [offset, offset + size) lies in the segment. SDM Vol. 3, 5.3.
bool IsInLimit(const Segment& segment, u64 offset, u64 size);

}  // namespace tandem::cpu
