#pragma once

#include <span>
#include <string>

#include "cpu/decode/inst.h"

namespace tandem::cpu {

enum class DecodeStatus : u8 {
  kOk,         // inst is filled; Op::kInvalid and kTooLong are ordinary results
  kNeedBytes,  // the instruction goes on beyond code
};

// Decodes the instruction at the start of code. Any thread.
DecodeStatus Decode(DecodeMode mode, std::span<const std::byte> code, Inst& inst);

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
