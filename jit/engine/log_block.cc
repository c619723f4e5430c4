#include "base/log.h"
#include "cpu/decode/decoder.h"
#include "jit/engine/shared_code.h"

// -d in_asm, op and out_asm: a block when it has been made, guest and host code side by side.
namespace tandem::jit {
namespace {

void LogHostCode(const Block& block, u32 from, u32 to) {
  while (from < to) {
    const std::span<const std::byte> code(reinterpret_cast<const std::byte*>(block.code) + from,
                                          to - from);
    cpu::Inst inst;
    if (cpu::Decode({64}, code, inst) != cpu::DecodeStatus::kOk) {
      return;
    }
    const u64 address = reinterpret_cast<u64>(block.code) + from;
    Log(LogItem::kOutAsm, "    {:#x}: {}", address, cpu::Disassemble({64}, code, address));
    from += inst.length;
  }
}

// Where the host code of the guest instruction at this offset starts; some have several points.
u32 HostStartOf(const Block& block, i32 offset) {
  for (const CodePoint& point : block.points) {
    if (point.offset == offset) {
      return point.host;
    }
  }
  return block.code_size;
}

}  // namespace

void SharedCode::LogBlock(const Unit& unit, const Block& block) const {
  const u32 wanted = static_cast<u32>(LogItem::kInAsm) | static_cast<u32>(LogItem::kOutAsm);
  if ((LogItems() & wanted) == 0) [[likely]] {
    return;
  }
  const cpu::DecodeMode mode = cpu::DecodeModeOf(unit.mode.code_bits, unit.mode.is_real, model_);
  if (LogEnabled(LogItem::kOutAsm)) {
    LogHostCode(block, 0, HostStartOf(block, unit.insts.front().offset));
  }
  for (size_t i = 0; i < unit.insts.size(); ++i) {
    const UnitInst& unit_inst = unit.insts[i];
    const std::span<const std::byte> code =
        std::as_bytes(std::span(unit_inst.inst.bytes)).first(unit_inst.inst.length);
    const u64 address = block.key.address + static_cast<u64>(unit_inst.offset - unit.start());
    Log(LogItem::kInAsm, "{:#x}: {}", address, cpu::Disassemble(mode, code, address));
    if (LogEnabled(LogItem::kOutAsm)) {
      const bool is_last = i + 1 == unit.insts.size();
      LogHostCode(block, HostStartOf(block, unit_inst.offset),
                  is_last ? block.code_size : HostStartOf(block, unit.insts[i + 1].offset));
    }
  }
}

}  // namespace tandem::jit
