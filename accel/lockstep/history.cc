#include "accel/lockstep/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bits.h"
#include "cpu/decode/decoder.h"
#include "cpu/mmu/walk.h"
#include "devices/bus/address.h"

namespace tandem::accel::lockstep {
namespace {

constexpr size_t kLongestInst = 15;
constexpr size_t kShownInsts = 4;  // of a leader's

std::optional<Gpa> Translate(const cpu::CpuState& state, const cpu::CpuModel& model,
                             const devices::FlatView& view, u64 linear) {
  if ((state.cr0 & cpu::kCr0Pg) == 0) {
    return Gpa(linear & 0xffffffff);
  }
  cpu::PageTableMemory tables(view);
  return cpu::WalkQuietly({.cr0 = state.cr0,
                           .cr3 = state.cr3,
                           .cr4 = state.cr4,
                           .efer = state.msr.efer,
                           .pdpte = state.pdpte,
                           .physical_address_bits = model.physical_address_bits},
                          tables, Gva(linear));
}

}  // namespace

CodeMode::CodeMode(const cpu::CpuState& state)
    : base(state.Seg(cpu::SegReg::kCs).base),
      cs(state.Seg(cpu::SegReg::kCs).selector),
      bits(state.In64BitMode()                    ? 64
           : state.Seg(cpu::SegReg::kCs).is_big() ? 32
                                                  : 16),
      is_real(state.HasRealSegments()) {}

// As many bytes as can be had.
size_t CodeReader::Read(u64 rip, std::span<std::byte> bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    const u64 linear = mode_.LinearOf(rip + done);
    const std::optional<Gpa> at = Translate(state_, model_, view_, linear);
    if (!at) {
      break;
    }
    const size_t part = std::min<size_t>(bytes.size() - done, kPageSize - linear % kPageSize);
    (void)view_.DmaRead(*at, bytes.subspan(done, part));
    done += part;
  }
  return done;
}

u64 CodeReader::LengthAt(u64 rip) const {
  std::array<std::byte, kLongestInst> bytes{};
  const size_t size = Read(rip, bytes);
  cpu::Inst inst;
  const auto status = cpu::Decode(cpu::DecodeModeOf(mode_.bits, mode_.is_real, model_),
                                  std::span(bytes).first(size), inst);
  return status == cpu::DecodeStatus::kNeedBytes ? 0 : inst.length;
}

// SDM Vol. 2, appendix A: legacy prefixes, REX, opcode.
bool CodeReader::IsRepeatedAt(u64 rip) const {
  std::array<std::byte, kLongestInst> bytes{};
  const size_t size = Read(rip, bytes);
  bool is_repeated = false;
  for (size_t i = 0; i < size; ++i) {
    const u8 byte = static_cast<u8>(bytes[i]);
    const bool is_rex = mode_.bits == 64 && byte / 16 == 4;
    if (byte == 0xf2 || byte == 0xf3) {
      is_repeated = true;
    } else if (!is_rex && byte != 0x66 && byte != 0x67 && (byte & 0xe7) != 0x26 &&
               byte / 2 != 0x32) {
      const bool is_string = (byte >= 0xa4 && byte <= 0xa7) || (byte >= 0xaa && byte <= 0xaf) ||
                             (byte >= 0x6c && byte <= 0x6f);
      return is_repeated && is_string;
    }
  }
  return false;
}

std::string CodeReader::InstructionAt(u64 rip) const {
  return fmt::format("{:04x}:{:x}  {}", mode_.cs, rip, InstructionsAt(rip, 1));
}

std::string CodeReader::InstructionsAt(u64 rip, size_t count) const {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    std::array<std::byte, kLongestInst> bytes{};
    const size_t size = Read(rip, bytes);
    const u64 length = LengthAt(rip);
    if (size == 0 || length == 0) {
      return i == 0 ? "(cannot be read)" : text;
    }
    text += (i == 0 ? "" : "; ") +
            cpu::Disassemble(cpu::DecodeModeOf(mode_.bits, mode_.is_real, model_),
                             std::span(bytes).first(size), rip);
    rip += length;
  }
  return text;
}

std::string History::Text(const CodeReader& reader) const {
  std::string text;
  for (u64 i = count_ - std::min<u64>(count_, kPlaces); i < count_; ++i) {
    const Place& place = places_[i % kPlaces];
    text += fmt::format("  {:>12} {} {:04x}:{:x}  {}\n", place.instructions,
                        place.is_event ? "*" : " ", place.mode.cs, place.rip,
                        reader.In(place.mode).InstructionsAt(place.rip, kShownInsts));
  }
  return text;
}

}  // namespace tandem::accel::lockstep
