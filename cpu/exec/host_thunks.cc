#include "cpu/exec/host_thunks.h"

#include <array>
#include <cstddef>
#include <vector>

#include "base/bits.h"
#include "base/check.h"
#include "cpu/decode/decoder.h"

namespace tandem::cpu {
namespace {

constexpr std::array<u8, 6> kCalleeSaved = {kRbx, kRbp, kR12, kR13, kR14, kR15};

// Byte-level emission of the few instructions around the guest's.
class ThunkWriter {
 public:
  std::vector<u8> code;

  void Bytes(std::initializer_list<u8> bytes) { code.insert(code.end(), bytes); }

  void Push(u8 reg) { PushPop(0x50, reg); }
  void Pop(u8 reg) { PushPop(0x58, reg); }
  void MoveRegister(u8 to, u8 from) {
    Bytes({static_cast<u8>(0x48 | (to >> 3) | ((from >> 3) << 2)), 0x89,
           static_cast<u8>(0xc0 | ((from & 7) << 3) | (to & 7))});
  }
  void LoadGpr(u8 reg, u8 base, u32 offset) { Memory(0x48, {0x8b}, reg, base, offset); }
  void StoreGpr(u8 reg, u8 base, u32 offset) { Memory(0x48, {0x89}, reg, base, offset); }
  void LoadXmm(u8 reg, u8 base, u32 offset) { Memory(0x40, {0x0f, 0x10}, reg, base, offset); }
  void StoreXmm(u8 reg, u8 base, u32 offset) { Memory(0x40, {0x0f, 0x11}, reg, base, offset); }
  void LoadYmm(u8 reg, u8 base, u32 offset) { VexMove(0x10, reg, base, offset); }
  void StoreYmm(u8 reg, u8 base, u32 offset) { VexMove(0x11, reg, base, offset); }
  void LoadZmm(u8 reg, u8 base, u32 offset) { EvexMove(0x10, reg, base, offset); }
  void StoreZmm(u8 reg, u8 base, u32 offset) { EvexMove(0x11, reg, base, offset); }
  void LoadMask(u8 reg, u8 base, u32 offset) { MaskMove(0x90, reg, base, offset); }
  void StoreMask(u8 reg, u8 base, u32 offset) { MaskMove(0x91, reg, base, offset); }
  void LoadMxcsr(u8 base, u32 offset) { Memory(0x40, {0x0f, 0xae}, 2, base, offset); }
  void StoreMxcsr(u8 base, u32 offset) { Memory(0x40, {0x0f, 0xae}, 3, base, offset); }
  void FxSave64(u8 base, u32 offset) { Memory(0x48, {0x0f, 0xae}, 0, base, offset); }
  void FxRestore64(u8 base, u32 offset) { Memory(0x48, {0x0f, 0xae}, 1, base, offset); }

 private:
  void PushPop(u8 opcode, u8 reg) {
    if (reg >= 8) {
      Bytes({0x41});
    }
    Bytes({static_cast<u8>(opcode | (reg & 7))});
  }
  void ModRm(u8 reg, u8 base, u32 offset) {
    Bytes({static_cast<u8>(0x80 | ((reg & 7) << 3) | (base & 7))});
    if ((base & 7) == kRsp) {
      Bytes({0x24});
    }
    for (int shift = 0; shift < 32; shift += 8) {
      Bytes({static_cast<u8>(offset >> shift)});
    }
  }
  void Memory(u8 rex, std::initializer_list<u8> opcode, u8 reg, u8 base, u32 offset) {
    Bytes({static_cast<u8>(rex | ((reg >> 3) << 2) | (base >> 3))});
    Bytes(opcode);
    ModRm(reg, base, offset);
  }
  // VMOVUPS ymm: three-byte VEX, map 0F, L=1.
  void VexMove(u8 opcode, u8 reg, u8 base, u32 offset) {
    const u8 inverted = static_cast<u8>((reg < 8 ? 0x80 : 0) | 0x40 | (base < 8 ? 0x20 : 0) | 1);
    Bytes({0xc4, inverted, 0x7c, opcode});
    ModRm(reg, base, offset);
  }
  // VMOVUPS zmm: map 0F, W=0, L'L=2, no mask. The displacement has 32 bits: it is not scaled.
  void EvexMove(u8 opcode, u8 reg, u8 base, u32 offset) {
    const u8 inverted = static_cast<u8>((Bit(reg, 3) ? 0 : 0x80) | 0x40 | (base < 8 ? 0x20 : 0) |
                                        (reg < 16 ? 0x10 : 0) | 1);
    Bytes({0x62, inverted, 0x7c, 0x48, opcode});
    ModRm(reg, base, offset);
  }
  // KMOVQ: three-byte VEX, map 0F, W=1, L=0.
  void MaskMove(u8 opcode, u8 reg, u8 base, u32 offset) {
    Bytes({0xc4, static_cast<u8>(0xc0 | (base < 8 ? 0x20 : 0) | 1), 0xf8, opcode});
    ModRm(reg, base, offset);
  }
};

// Host registers for the state, the buffer and the guest's registers, none twice.
struct Assignment {
  u8 state = 0;
  u8 buffer = 0;
  HostEncodingRequest encoding;
  u32 guest_used = 0;  // guest registers that the instruction reads or writes as data
};

u32 AddressRegisters(const Inst& inst) {
  u32 mask = 0;
  for (const u8 reg : {inst.mem.base, inst.mem.is_vsib ? kNoRegister : inst.mem.index}) {
    mask |= reg < 16 ? 1u << reg : 0;
  }
  return mask;
}

// The registers that the instruction names itself, and hidden ones that are no address.
u32 DataRegisters(const Inst& inst) {
  u32 named = inst.gprs_written | inst.gprs_hidden;
  for (const Operand& operand : inst.operands) {
    if (operand.kind == OperandKind::kGpr) {
      named |= 1u << operand.reg;
    } else if (operand.kind == OperandKind::kHighByte) {
      named |= 1u << operand.reg;
    }
  }
  return named | (inst.gprs_read & ~AddressRegisters(inst));
}

Assignment Assign(const Inst& inst) {
  Assignment result;
  result.guest_used = DataRegisters(inst);
  u32 taken = result.guest_used | (1u << kRsp);
  const auto take = [&taken] {
    for (size_t i = kCalleeSaved.size(); i-- > 0;) {
      if (!Bit(taken, kCalleeSaved[i])) {
        taken |= 1u << kCalleeSaved[i];
        return kCalleeSaved[i];
      }
    }
    CheckFailed(__FILE__, __LINE__, "an instruction leaves three registers free");
  };
  for (u8 reg = 0; reg < 16; ++reg) {
    result.encoding.gpr[reg] = reg;
  }
  if (Bit(result.guest_used, kRsp)) {
    // One that needs no REX if it can be had: the other operand may be AH.
    u8& host = result.encoding.gpr[kRsp];
    host = Bit(taken, kRbp) ? kRbx : kRbp;
    host = Bit(taken, host) ? take() : host;
    taken |= 1u << host;
  }
  result.state = take();
  result.buffer = take();
  result.encoding.memory_base = result.buffer;
  return result;
}

constexpr u32 kFxOffset = offsetof(CpuState, fx);
constexpr u32 VectorOffset(u32 reg) {
  return static_cast<u32>(offsetof(CpuState, vec) + reg * sizeof(VectorState::zmm[0]));
}

constexpr u32 MaskOffset(u32 reg) {
  return static_cast<u32>(offsetof(CpuState, vec) + offsetof(VectorState, k) + reg * 8);
}

// What is written of a vector register is kept whole: VEX and EVEX instructions clear what lies
// above their vectors, up to the longest that the processor has.
enum class Width : u8 { kXmm, kYmm, kZmm };

Width LoadWidth(const Inst& inst) {
  return inst.host_class == HostClass::kAvx512 ? Width::kZmm
         : inst.host_class == HostClass::kAvx  ? Width::kYmm
                                               : Width::kXmm;
}

Width StoreWidth(const Inst& inst) {
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0;
  return inst.host_class == HostClass::kAvx && has_avx512 ? Width::kZmm : LoadWidth(inst);
}

bool IsFpu(const Inst& inst) {
  return inst.host_class == HostClass::kX87 || inst.host_class == HostClass::kMmx;
}

template <typename Call>
void ForEachBit(u32 mask, Call call) {
  for (u8 i = 0; i < 32; ++i) {
    if (Bit(mask, i)) {
      call(i);
    }
  }
}

void EmitLoads(ThunkWriter& out, const Inst& inst, const Assignment& regs) {
  if (IsFpu(inst)) {
    out.FxRestore64(regs.state, kFxOffset);
  }
  const Width width = LoadWidth(inst);
  ForEachBit(inst.vectors_read | inst.vectors_written, [&](u8 reg) {
    width == Width::kZmm   ? out.LoadZmm(reg, regs.state, VectorOffset(reg))
    : width == Width::kYmm ? out.LoadYmm(reg, regs.state, VectorOffset(reg))
                           : out.LoadXmm(reg, regs.state, VectorOffset(reg));
  });
  ForEachBit(inst.masks_read, [&](u8 reg) { out.LoadMask(reg, regs.state, MaskOffset(reg)); });
  if (inst.uses_mxcsr) {
    out.LoadMxcsr(regs.buffer, offsetof(HostBuffer, guest_mxcsr));
  }
  // PUSH RDX; POPFQ: the third argument.
  out.Bytes({0x52, 0x9d});
  ForEachBit(regs.guest_used,
             [&](u8 reg) { out.LoadGpr(regs.encoding.gpr[reg], regs.state, reg * 8u); });
}

void EmitStores(ThunkWriter& out, const Inst& inst, const Assignment& regs) {
  out.Bytes({0x9c});  // PUSHFQ
  ForEachBit(inst.gprs_written,
             [&](u8 reg) { out.StoreGpr(regs.encoding.gpr[reg], regs.state, reg * 8u); });
  const Width width = StoreWidth(inst);
  ForEachBit(inst.vectors_written, [&](u8 reg) {
    width == Width::kZmm   ? out.StoreZmm(reg, regs.state, VectorOffset(reg))
    : width == Width::kYmm ? out.StoreYmm(reg, regs.state, VectorOffset(reg))
                           : out.StoreXmm(reg, regs.state, VectorOffset(reg));
  });
  ForEachBit(inst.masks_written, [&](u8 reg) { out.StoreMask(reg, regs.state, MaskOffset(reg)); });
  if (inst.uses_mxcsr) {
    out.StoreMxcsr(regs.buffer, offsetof(HostBuffer, guest_mxcsr));
  }
  if (IsFpu(inst)) {
    out.FxSave64(regs.state, kFxOffset);
    out.Bytes({0xdb, 0xe3});  // FNINIT
  }
  if (inst.uses_mxcsr || IsFpu(inst)) {
    out.LoadMxcsr(regs.buffer, offsetof(HostBuffer, host_mxcsr));
  }
  if (width != Width::kXmm) {
    out.Bytes({0xc5, 0xf8, 0x77});  // VZEROUPPER
  }
  out.Pop(kRax);
}

// 32-bit results clear the upper half by themselves; 32-bit reads of 64-bit registers are harmless.
std::vector<u8> Emit(const Inst& inst, const Assignment& regs, std::span<const u8> guest) {
  ThunkWriter out;
  for (const u8 reg : kCalleeSaved) {
    out.Push(reg);
  }
  out.MoveRegister(regs.state, kRdi);
  out.MoveRegister(regs.buffer, kRsi);
  EmitLoads(out, inst, regs);
  out.code.insert(out.code.end(), guest.begin(), guest.end());
  EmitStores(out, inst, regs);
  for (size_t i = kCalleeSaved.size(); i-- > 0;) {
    out.Pop(kCalleeSaved[i]);
  }
  out.Bytes({0xc3});
  return std::move(out.code);
}

}  // namespace

const HostThunk* HostThunks::Get(DecodeMode mode, const Inst& inst) {
  const Assignment regs = Assign(inst);
  std::array<u8, 16> guest;
  const size_t length = EncodeForHost(mode, inst, regs.encoding, guest);
  if (length == 0) {
    return nullptr;
  }
  const std::vector<u8> code = Emit(inst, regs, std::span(guest).first(length));
  const std::string key(code.begin(), code.end());
  const auto [it, is_new] = thunks_.try_emplace(key);
  if (is_new) {
    it->second.run = reinterpret_cast<decltype(HostThunk::run)>(arena_.Add(code));
  }
  return &it->second;
}

void HostThunks::Clear() {
  thunks_.clear();
  arena_.Clear();
}

}  // namespace tandem::cpu
