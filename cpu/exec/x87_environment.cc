#include <array>

#include "cpu/exec/mmx_state.h"
#include "cpu/exec/operand.h"
#include "cpu/exec/unit.h"

// FNSTENV, FLDENV, FNSAVE, FRSTOR: their layout depends on mode and operand size, so the host's own
// cannot be used. SDM Vol. 1, 8.1.10. As on processors that have deprecated them (CPUID.7:EBX[13]),
// the selectors of the pointers read as zero.
namespace tandem::cpu {
namespace {

constexpr size_t kRegistersSize = 80;
constexpr size_t kMaxImage = 28 + kRegistersSize;
using Image = std::array<std::byte, kMaxImage>;

enum Word : u8 { kControl, kStatus, kTag, kIp, kIpHigh, kDp, kDpHigh };

// An environment as seven words of 2 or 4 bytes.
class Environment {
 public:
  Environment(Image& image, bool is_wide) : image_(image), is_wide_(is_wide) {}

  size_t size() const { return is_wide_ ? 28 : 14; }
  u32 Get(Word word) const {
    return is_wide_ ? LoadLe<u32>(&image_[word * 4u]) : LoadLe<u16>(&image_[word * 2u]);
  }
  // The reserved upper half of a register of 16 bits is all ones.
  void Put16(Word word, u16 value) { Put(word, 0xffff0000 | value); }
  void Put(Word word, u32 value) {
    is_wide_ ? StoreLe<u32>(&image_[word * 4u], value)
             : StoreLe<u16>(&image_[word * 2u], static_cast<u16>(value));
  }

 private:
  Image& image_;
  bool is_wide_;
};

enum Tag : u8 { kValid, kZero, kSpecial, kEmpty };

Tag TagOf(const u8* value) {
  const u16 exponent = LoadLe<u16>(value + 8) & 0x7fff;
  const u64 mantissa = LoadLe<u64>(value);
  if (exponent == 0 && mantissa == 0) {
    return kZero;
  }
  const bool is_normal = exponent != 0 && exponent != 0x7fff && (mantissa >> 63) != 0;
  return is_normal ? kValid : kSpecial;
}

u16 FullTagWord(const FxImage& fx) {
  u16 word = 0;
  for (unsigned reg = 0; reg < 8; ++reg) {
    const bool is_used = Bit(fx.ftw, reg);
    const Tag tag = is_used ? TagOf(fx.st[(reg - TopOf(fx)) & 7]) : kEmpty;
    word = static_cast<u16>(word | tag << (2 * reg));
  }
  return word;
}

u8 AbridgedTagWord(u32 full) {
  u8 word = 0;
  for (unsigned reg = 0; reg < 8; ++reg) {
    word |= static_cast<u8>((((full >> (2 * reg)) & 3) != kEmpty) << reg);
  }
  return word;
}

// ES and B follow from the exception flags and masks.
void UpdateSummary(FxImage& fx) {
  const bool pending = (fx.fsw & ~fx.fcw & 0x3f) != 0;
  fx.fsw = static_cast<u16>(pending ? fx.fsw | 0x8080 : fx.fsw & ~0x8080);
}

bool HasWidePointers(const Step& step) { return step.inst->operand_size != 2; }

void StoreEnvironment(const Core& core, const FxImage& fx, Environment& out) {
  out.Put16(kControl, fx.fcw);
  out.Put16(kStatus, fx.fsw);
  out.Put16(kTag, FullTagWord(fx));
  const u32 ip = static_cast<u32>(fx.fip);
  const u32 dp = static_cast<u32>(fx.fdp);
  const u32 opcode = fx.fop & 0x7ff;
  if (core.state.HasRealSegments()) {
    const u32 high = out.size() == 28 ? 0x0ffff000 : 0xf000;
    out.Put16(kIp, static_cast<u16>(ip));
    out.Put(kIpHigh, ((ip >> 4) & high) | opcode);
    out.Put16(kDp, static_cast<u16>(dp));
    out.Put(kDpHigh, (dp >> 4) & high);
    return;
  }
  out.Put(kIp, ip);
  out.Put(kIpHigh, opcode << 16);
  out.Put(kDp, dp);
  out.Put16(kDpHigh, 0);
}

void LoadEnvironment(const Core& core, const Environment& in, FxImage& fx) {
  fx.fcw = static_cast<u16>((in.Get(kControl) & 0x1f3f) | 0x40);
  fx.fsw = static_cast<u16>(in.Get(kStatus));
  fx.ftw = AbridgedTagWord(in.Get(kTag));
  fx.fip = in.Get(kIp);
  fx.fdp = in.Get(kDp);
  if (core.state.HasRealSegments()) {
    fx.fip = (fx.fip & 0xffff) | (in.Get(kIpHigh) & 0x0ffff000) << 4;
    fx.fdp = (fx.fdp & 0xffff) | (in.Get(kDpHigh) & 0x0ffff000) << 4;
    fx.fop = in.Get(kIpHigh) & 0x7ff;
  } else if (in.size() == 28) {
    fx.fop = (in.Get(kIpHigh) >> 16) & 0x7ff;
  }
  UpdateSummary(fx);
}

// Image of FNSTENV or FNSAVE in memory.
bool ImageAddress(Core& core, const Step& step, size_t size, AccessKind kind, Gva& linear) {
  return MemoryAddress(core, step, static_cast<u32>(size), kind, linear);
}

bool WriteImage(Core& core, const Step& step, const Image& image, size_t size) {
  Gva linear;
  if (!ImageAddress(core, step, size, AccessKind::kWrite, linear)) {
    return false;
  }
  const Fault fault = core.mmu.WriteBytes(linear, std::span(image).first(size));
  return !fault || MemoryFault(core, step.segment, fault);
}

bool ReadImage(Core& core, const Step& step, Image& image, size_t size) {
  Gva linear;
  if (!ImageAddress(core, step, size, AccessKind::kRead, linear)) {
    return false;
  }
  const Fault fault = core.mmu.ReadBytes(linear, std::span(image).first(size));
  return !fault || MemoryFault(core, step.segment, fault);
}

template <bool kWithRegisters>
Flow Store(Core& core, const Step& step) {
  FxImage& fx = core.state.fx;
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  Image image{};
  Environment environment(image, HasWidePointers(step));
  StoreEnvironment(core, fx, environment);
  size_t size = environment.size();
  if (kWithRegisters) {
    for (const auto& st : fx.st) {
      std::memcpy(&image[size], st, 10);
      size += 10;
    }
  }
  if (!WriteImage(core, step, image, size)) {
    return Flow::kFault;
  }
  if (kWithRegisters) {  // as FNINIT
    SetTop(fx, 0);
    fx.fcw = 0x37f;
    fx.fsw = fx.fop = 0;
    fx.ftw = 0;
    fx.fip = fx.fdp = 0;
  } else {
    fx.fcw |= 0x3f;
    UpdateSummary(fx);
  }
  return Flow::kNext;
}

template <bool kWithRegisters>
Flow Load(Core& core, const Step& step) {
  FxImage& fx = core.state.fx;
  if (const Fault fault = CheckUnit(core.state, *step.inst)) {
    return core.Raise(fault);
  }
  Image image;
  const Environment environment(image, HasWidePointers(step));
  const size_t at = environment.size();
  if (!ReadImage(core, step, image, at + (kWithRegisters ? kRegistersSize : 0))) {
    return Flow::kFault;
  }
  SetTop(fx, (environment.Get(kStatus) >> 11) & 7);
  LoadEnvironment(core, environment, fx);
  for (size_t i = 0; kWithRegisters && i < 8; ++i) {
    std::memcpy(fx.st[i], &image[at + i * 10], 10);
  }
  return Flow::kNext;
}

}  // namespace

ExecFn SelectX87Environment(const Inst& inst) {
  switch (inst.op) {
    case Op::kFnstenv:
      return &Store<false>;
    case Op::kFldenv:
      return &Load<false>;
    case Op::kFnsave:
      return &Store<true>;
    case Op::kFrstor:
      return &Load<true>;
    default:
      return nullptr;
  }
}

}  // namespace tandem::cpu
