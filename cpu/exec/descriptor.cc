#include "cpu/event/descriptor.h"

#include "cpu/event/segment.h"
#include "cpu/event/system.h"
#include "cpu/exec/flags.h"
#include "cpu/exec/operand.h"

// LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT, STR, LMSW, SMSW, CLTS, LAR, LSL, VERR, VERW, ARPL. SDM
// Vol. 2.
namespace tandem::cpu {
namespace {

// The image of a descriptor-table register: a 16-bit limit, then a base of 32 or 64 bits.
constexpr size_t kTableImageMax = 10;

size_t TableImageSize(const Core& core) { return core.state.In64BitMode() ? 10 : 6; }

bool TableAddress(Core& core, const Step& step, AccessKind kind, Gva& linear) {
  return MemoryAddress(core, step, static_cast<u32>(TableImageSize(core)), kind, linear);
}

template <DescriptorTable CpuState::*kTable>
Flow LoadTable(Core& core, const Step& step) {
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  std::array<std::byte, kTableImageMax> image{};
  Gva linear;
  if (!TableAddress(core, step, AccessKind::kRead, linear)) {
    return Flow::kFault;
  }
  if (const Fault fault =
          core.mmu.ReadBytes(linear, std::span(image).first(TableImageSize(core)))) {
    (void)MemoryFault(core, step.segment, fault);
    return Flow::kFault;
  }
  u64 base = LoadLe<u64>(&image[2]);
  if (core.state.In64BitMode()) {
    if (!IsCanonicalBase(core, base)) {
      return core.Raise(Fault::Gp());
    }
  } else if (step.operand_size == 2) {
    base &= 0xffffff;  // the 80286's 24 bits
  }
  core.state.*kTable = {base, LoadLe<u16>(image.data())};
  return Flow::kEnd;
}

template <DescriptorTable CpuState::*kTable>
Flow StoreTable(Core& core, const Step& step) {
  if (const Fault fault = CheckUmip(core.state)) {
    return core.Raise(fault);
  }
  std::array<std::byte, kTableImageMax> image{};
  StoreLe<u16>(image.data(), (core.state.*kTable).limit);
  StoreLe<u64>(&image[2], (core.state.*kTable).base);
  Gva linear;
  if (!TableAddress(core, step, AccessKind::kWrite, linear)) {
    return Flow::kFault;
  }
  if (const Fault fault =
          core.mmu.WriteBytes(linear, std::span(image).first(TableImageSize(core)))) {
    (void)MemoryFault(core, step.segment, fault);
    return Flow::kFault;
  }
  return Flow::kNext;
}

// A 16-bit operand in a register or memory.
bool ReadSelector(Core& core, const Step& step, size_t operand, u16& selector) {
  if (step.inst->operands[operand].IsMemory()) {
    return LoadMemory(core, step, selector);
  }
  selector = ReadReg<u16>(core, operand == 0 ? step.dst : step.src);
  return true;
}

// Memory takes 16 bits, a register the operand size.
Flow WriteSelector(Core& core, const Step& step, u64 value) {
  const Operand& dst = step.inst->operands[0];
  if (dst.IsMemory()) {
    return StoreMemory<u16>(core, step, static_cast<u16>(value)) ? Flow::kNext : Flow::kFault;
  }
  if (dst.size == 2) {
    WriteReg<u16>(core, step.dst, static_cast<u16>(value));
  } else if (dst.size == 4) {
    WriteReg<u32>(core, step.dst, static_cast<u32>(value));
  } else {
    WriteReg<u64>(core, step.dst, value);
  }
  return Flow::kNext;
}

bool HasNoSelectors(const CpuState& state) { return state.HasRealSegments(); }

template <Fault (*kLoad)(Context&, u16)>
Flow LoadSystemSegment(Core& core, const Step& step) {
  if (HasNoSelectors(core.state)) {
    return core.Raise(Fault::Ud());
  }
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  u16 selector;
  if (!ReadSelector(core, step, 0, selector)) {
    return Flow::kFault;
  }
  if (const Fault fault = kLoad(core, selector)) {
    return core.Raise(fault);
  }
  return Flow::kNext;
}

template <Segment CpuState::*kSegment>
Flow StoreSystemSegment(Core& core, const Step& step) {
  if (HasNoSelectors(core.state)) {
    return core.Raise(Fault::Ud());
  }
  if (const Fault fault = CheckUmip(core.state)) {
    return core.Raise(fault);
  }
  return WriteSelector(core, step, (core.state.*kSegment).selector);
}

Flow Lmsw(Core& core, const Step& step) {
  if (const Fault fault = RequireCpl0(core.state)) {
    return core.Raise(fault);
  }
  u16 value;
  if (!ReadSelector(core, step, 0, value)) {
    return Flow::kFault;
  }
  if (const Fault fault = LoadMachineStatus(core, value)) {
    return core.Raise(fault);
  }
  return Flow::kEnd;
}

Flow Smsw(Core& core, const Step& step) {
  if (const Fault fault = CheckUmip(core.state)) {
    return core.Raise(fault);
  }
  return WriteSelector(core, step, core.state.cr0);
}

Flow Clts(Core& core, const Step&) {
  if (const Fault fault = ClearTaskSwitched(core)) {
    return core.Raise(fault);
  }
  return Flow::kEnd;
}

void SetZero(Core& core, bool zero) { SetArithFlags(core, zero ? kFlagZf : 0, kFlagZf); }

// LAR and LSL: the destination changes only where the selector is valid.
template <Fault (*kQuery)(Context&, u16, bool&, u32&)>
struct Query {
  template <typename T>
  static Flow Run(Core& core, const Step& step) {
    if (HasNoSelectors(core.state)) {
      return core.Raise(Fault::Ud());
    }
    u16 selector;
    if (!ReadSelector(core, step, 1, selector)) {
      return Flow::kFault;
    }
    bool valid = false;
    u32 value = 0;
    if (const Fault fault = kQuery(core, selector, valid, value)) {
      return core.Raise(fault);
    }
    SetZero(core, valid);
    if (valid) {
      WriteReg<T>(core, step.dst, static_cast<T>(value));
    }
    return Flow::kNext;
  }
};

template <bool kForWrite>
Flow Verify(Core& core, const Step& step) {
  if (HasNoSelectors(core.state)) {
    return core.Raise(Fault::Ud());
  }
  u16 selector;
  if (!ReadSelector(core, step, 0, selector)) {
    return Flow::kFault;
  }
  bool valid = false;
  if (const Fault fault = VerifySegment(core, selector, kForWrite, valid)) {
    return core.Raise(fault);
  }
  SetZero(core, valid);
  return Flow::kNext;
}

// Raises the RPL of the destination to that of the source.
Flow Arpl(Core& core, const Step& step) {
  if (HasNoSelectors(core.state)) {
    return core.Raise(Fault::Ud());
  }
  const u16 rpl = ReadReg<u16>(core, step.src) & 3;
  u16 selector;
  if (!ReadSelector(core, step, 0, selector)) {
    return Flow::kFault;
  }
  const bool raise = (selector & 3) < rpl;
  if (raise && WriteSelector(core, step, static_cast<u16>((selector & ~3) | rpl)) == Flow::kFault) {
    return Flow::kFault;
  }
  SetZero(core, raise);
  return Flow::kNext;
}

}  // namespace

ExecFn SelectDescriptor(const Inst& inst) {
  const u32 size = inst.operands[0].size;
  switch (inst.op) {
    case Op::kLgdt:
      return &LoadTable<&CpuState::gdtr>;
    case Op::kLidt:
      return &LoadTable<&CpuState::idtr>;
    case Op::kSgdt:
      return &StoreTable<&CpuState::gdtr>;
    case Op::kSidt:
      return &StoreTable<&CpuState::idtr>;
    case Op::kLldt:
      return &LoadSystemSegment<&LoadLdtr>;
    case Op::kLtr:
      return &LoadSystemSegment<&LoadTr>;
    case Op::kSldt:
      return &StoreSystemSegment<&CpuState::ldtr>;
    case Op::kStr:
      return &StoreSystemSegment<&CpuState::tr>;
    case Op::kLmsw:
      return &Lmsw;
    case Op::kSmsw:
      return &Smsw;
    case Op::kClts:
      return &Clts;
    case Op::kLar:
      return ByWideSize<Query<&ReadAccessRights>>(size);
    case Op::kLsl:
      return ByWideSize<Query<&ReadSegmentLimit>>(size);
    case Op::kVerr:
      return &Verify<false>;
    case Op::kVerw:
      return &Verify<true>;
    case Op::kArpl:
      return &Arpl;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
