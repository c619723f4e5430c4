#pragma once

#include <span>
#include <string>

#include "cpu/decode/inst.h"

namespace tandem::cpu {

enum class DecodeStatus : u8 {
  kOk,         // inst is filled; Op::kInvalid and kTooLong are ordinary results
  kNeedBytes,  // the instruction goes on beyond code
};

// Where the constants of an instruction lie in its bytes.
struct ConstantFields {
  struct Field {
    u8 at = 0;
    u8 size = 0;  // 0: there is none
    bool is_signed = true;
  };
  Field displacement;
  Field immediate;
  bool are_all = false;  // nothing else behind opcode, ModRM and SIB tells of the instruction
};

// Decodes the instruction at the start of code. Any thread.
DecodeStatus Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst);
// Likewise, and says where its constants are.
DecodeStatus Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst,
                    ConstantFields& constants);

// Decodes an instruction that starts at the end of a page; next_page: the bytes that follow.
DecodeStatus DecodeAcross(DecodeMode mode, std::span<const std::byte> code,
                          std::span<const std::byte> next_page, Inst& inst);

// How processors of this model understand code of so many bits.
DecodeMode DecodeModeOf(u8 code_bits, bool is_real, const CpuModel& model);

// The instruction in Intel syntax; address is that of its first byte.
std::string Disassemble(DecodeMode mode, std::span<const std::byte> code, u64 address);

// What changes when an instruction is re-encoded for the host.
struct HostEncodingRequest {
  u8 memory_base = kRsi;     // the memory operand becomes [memory_base]
  std::array<u8, 16> gpr{};  // host register for each guest register
};

// Encodes the same operation for 64-bit host code. Returns the length in bytes, 0 if it cannot be.
// out holds at least 15 bytes.
size_t EncodeForHost(DecodeMode mode, const Inst& inst, const HostEncodingRequest& request,
                     std::span<u8> out);

}  // namespace tandem::cpu
