#include "cpu/exec/block.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "cpu/decode/decoder.h"

namespace tandem::cpu {
namespace {

constexpr size_t kMaxInstructions = 32;

Flow LeaveBlock(Core& core, const Step& step) {
  core.state.rip = core.RipOf(step);
  return Flow::kBranch;
}

Flow Stale(Core&, const Step&) { return Flow::kStale; }

// Instructions after which control, mode, time or interrupts may be different.
bool EndsBlock(const Inst& inst) {
  switch (inst.op) {
    case Op::kInvalid:
    case Op::kTooLong:
    case Op::kUd:
    case Op::kJmp:
    case Op::kJcc:
    case Op::kCall:
    case Op::kRet:
    case Op::kLoop:
    case Op::kLoope:
    case Op::kLoopne:
    case Op::kJcxz:
    case Op::kInt:
    case Op::kInt1:
    case Op::kInt3:
    case Op::kInto:
    case Op::kIret:
    case Op::kSyscall:
    case Op::kSysret:
    case Op::kSysenter:
    case Op::kSysexit:
    case Op::kHlt:
    case Op::kIn:
    case Op::kOut:
    case Op::kSti:
    case Op::kPopf:
    case Op::kRdmsr:
    case Op::kWrmsr:
    case Op::kRdtsc:
    case Op::kRdtscp:
    case Op::kXsetbv:
    case Op::kWrpkru:
    case Op::kInvlpg:
    case Op::kInvpcid:
    case Op::kLgdt:
    case Op::kLidt:
    case Op::kLmsw:
    case Op::kClts:
      return true;
    case Op::kMov:
      return inst.operands[0].kind >= OperandKind::kSegment &&
             inst.operands[0].kind <= OperandKind::kDebug;
    case Op::kPop:
      return inst.operands[0].kind == OperandKind::kSegment;
    default:
      return false;
  }
}

bool UsesStack(const Inst& inst) { return (inst.gprs_read & (1u << kRsp)) != 0; }

u16 RegisterOffset(const Operand& operand) {
  if (operand.kind == OperandKind::kHighByte) {
    return static_cast<u16>(operand.reg * 8 + 1);
  }
  return operand.kind == OperandKind::kGpr ? static_cast<u16>(operand.reg * 8) : 0;
}

bool IsStringOp(Op op) {
  return op == Op::kMovs || op == Op::kCmps || op == Op::kScas || op == Op::kStos ||
         op == Op::kLods || op == Op::kIns || op == Op::kOuts;
}

// Strings reach ES as well as their own segment.
bool NeedsSegmentCheck(const Inst& inst, BlockMode mode) {
  const auto is_checked = [&](SegReg reg) {
    return Bit(mode.checked_segments, static_cast<unsigned>(reg));
  };
  return is_checked(inst.mem.segment) || (IsStringOp(inst.op) && is_checked(SegReg::kEs));
}

}  // namespace

Step BindStep(const Inst& inst, BlockMode mode, u16 offset, const CpuModel& model) {
  Step step;
  step.inst = &inst;
  step.offset = offset;
  step.next = static_cast<u16>(offset + inst.length);
  step.immediate = inst.immediate;
  step.displacement = inst.mem.displacement;
  step.base = static_cast<u16>(inst.mem.base * 8);
  if (inst.mem.base == kRipRegister) {
    step.displacement += step.next;
  }
  step.index = inst.mem.is_vsib ? kNoRegister * 8 : static_cast<u16>(inst.mem.index * 8);
  step.scale = inst.mem.scale;
  step.segment = inst.mem.segment;
  step.address_size = inst.address_size;
  step.address_shift = static_cast<u8>(64 - 8 * inst.address_size);
  step.operand_size = inst.operand_size;
  step.condition = inst.condition;
  step.dst = RegisterOffset(inst.operands[0]);
  step.src = RegisterOffset(inst.operands[1]);
  step.check_segment = NeedsSegmentCheck(inst, mode);
  step.check_stack =
      UsesStack(inst) && Bit(mode.checked_segments, static_cast<unsigned>(SegReg::kSs));
  Inst undefined;
  undefined.op = Op::kInvalid;
  step.run = SelectExec(IsOffered(model, inst) ? inst : undefined);
  return step;
}

void Block::MakeStale() {
  for (Step& step : steps) {
    step.run = &Stale;
  }
}

std::unique_ptr<Block> BuildBlock(Gpa start, BlockMode mode, const CpuModel& model,
                                  std::span<const std::byte> code,
                                  std::span<const std::byte> next_page) {
  auto block = std::make_unique<Block>();
  block->start = start;
  block->mode = mode;
  const DecodeMode decode_mode = DecodeModeOf(mode.code_bits, mode.is_real, model);
  const size_t limit = mode.single ? 1 : kMaxInstructions;
  size_t at = 0;
  while (block->insts.size() < limit && at < code.size()) {
    Inst inst;
    DecodeStatus status = Decode(decode_mode, code.subspan(at), inst);
    if (status == DecodeStatus::kNeedBytes && at == 0) {
      status = DecodeAcross(decode_mode, code, next_page, inst);
    }
    if (status == DecodeStatus::kNeedBytes) {
      break;
    }
    block->insts.push_back(inst);
    at += inst.length;
    if (EndsBlock(inst)) {
      break;
    }
  }
  if (block->insts.empty()) {
    return nullptr;
  }
  u16 offset = 0;
  for (const Inst& inst : block->insts) {
    block->steps.push_back(BindStep(inst, mode, offset, model));
    block->bytes.insert(block->bytes.end(), inst.bytes.begin(), inst.bytes.begin() + inst.length);
    offset = static_cast<u16>(offset + inst.length);
  }
  Step leave;
  leave.run = &LeaveBlock;
  leave.offset = leave.next = offset;
  block->steps.push_back(leave);
  return block;
}

}  // namespace tandem::cpu
