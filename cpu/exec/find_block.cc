#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/log.h"
#include "cpu/decode/decoder.h"
#include "cpu/exec/host_thunks.h"
#include "cpu/exec/interpreter.h"
#include "cpu/exec/operand.h"

// From an instruction pointer to the block that is run there.
namespace tandem::cpu {
namespace {

// Blocks are short: cheaper than a call.
bool BytesEqual(std::span<const u8> bytes, const std::byte* host) {
  const size_t size = bytes.size();
  if (size < 8) {
    return std::memcmp(bytes.data(), host, size) == 0;
  }
  u64 difference = LoadLe<u64>(&bytes[size - 8]) ^ LoadLe<u64>(host + size - 8);
  for (size_t i = 0; i + 8 <= size; i += 8) {
    difference |= LoadLe<u64>(&bytes[i]) ^ LoadLe<u64>(host + i);
  }
  return difference == 0;
}

// -d in_asm: the guest's code when it is decoded.
void LogCode(const Block& block, u64 linear) {
  const DecodeMode mode{block.mode.code_bits, block.mode.is_real, true, true};
  std::span<const std::byte> code = std::as_bytes(std::span(block.bytes));
  for (const Inst& inst : block.insts) {
    Log(LogItem::kInAsm, "{:#018x}: {}", linear, Disassemble(mode, code, linear));
    code = code.subspan(inst.length);
    linear += inst.length;
  }
}

}  // namespace

Block* Interpreter::FindBlock(BlockMode mode, Block* from) {
  const u64 linear = Linear(core_, SegReg::kCs, core_.state.rip).value;
  if (from == nullptr) {
    const std::byte* host = nullptr;
    return FindByAddress(mode, linear, host);
  }
  for (const Block::Successor& next : from->successors) {
    if (next.linear == linear && next.validity == Validity() &&
        BytesEqual(next.block->bytes, next.host)) [[likely]] {
      return next.block;
    }
  }
  const u64 validity = Validity();
  const std::byte* host = nullptr;
  Block* block = FindByAddress(mode, linear, host);
  // Finding may have dropped or built blocks: `from` itself is then not to be touched.
  if (block != nullptr && host != nullptr && validity == Validity()) {
    from->successors[1] = from->successors[0];
    from->successors[0] = {linear, validity, block, host};
  }
  return block;
}

// host: the block's bytes, where they can be compared without a search.
Block* Interpreter::FindByAddress(BlockMode mode, u64 linear, const std::byte*& host) {
  JumpEntry& entry = jumps_[(linear ^ (linear >> 12)) % kJumpEntries];
  if (entry.linear == linear && entry.validity == Validity() && entry.mode_key == mode.Key() &&
      BytesEqual(entry.block->bytes, entry.host)) [[likely]] {
    host = entry.host;
    return entry.block;
  }
  Block* block = FindBlockSlow(mode, linear, entry);
  host = entry.host;
  return block;
}

Block* Interpreter::FindBlockSlow(BlockMode mode, u64 linear, JumpEntry& entry) {
  if (cache_.IsFull() || thunks_->IsFull()) {
    cache_.Clear();
    thunks_->Clear();
  }
  Block* block = nullptr;
  const std::byte* host = nullptr;
  if (const Fault fault = LookUp(mode, linear, block, host)) {
    entry = JumpEntry{};
    Deliver(fault);
    return nullptr;
  }
  // What crosses a page or lies in device memory is compared on the slow path.
  entry = block->CrossesPage() || host == nullptr
              ? JumpEntry{}
              : JumpEntry{linear, Validity(), mode.Key(), block, host};
  return block;
}

Fault Interpreter::LookUp(BlockMode mode, u64 linear, Block*& block, const std::byte*& host) {
  const CpuState& state = core_.state;
  if (mode.code_bits != 64 && state.rip > state.Seg(SegReg::kCs).limit) {
    return Fault::Gp();
  }
  CodePage page;
  if (const Fault fault = mmu_.Fetch(Gva(linear), page)) {
    return fault;
  }
  const u64 offset = linear % kPageSize;
  const Gpa start = page.gpa + offset;
  std::array<std::byte, kPageSize> copy;
  if (page.host == nullptr) {  // code in device memory: read afresh each time
    (void)mmu_.view().Read(page.gpa, copy);
    page.host = copy.data();
  }
  host = page.host == copy.data() ? nullptr : page.host + offset;
  const std::byte* const bytes = page.host + offset;
  block = cache_.Find(start, mode);
  std::array<std::byte, 15> next_bytes;
  size_t next_count = 0;
  if (block != nullptr && block->CrossesPage()) {
    if (const Fault fault = ReadNextPage(linear, next_bytes, next_count)) {
      return fault;
    }
  }
  if (block != nullptr && Matches(*block, bytes, std::span(next_bytes).first(next_count))) {
    return Fault::None();
  }
  if (block != nullptr) {
    cache_.Drop(*block);
  }
  const std::span<const std::byte> code(bytes, kPageSize - offset);
  std::unique_ptr<Block> built = BuildBlock(start, mode, core_.model, code, {});
  if (built == nullptr) {
    if (const Fault fault = ReadNextPage(linear, next_bytes, next_count)) {
      return fault;
    }
    built = BuildBlock(start, mode, core_.model, code, std::span(next_bytes).first(next_count));
  }
  CHECK(built != nullptr);
  block = cache_.Insert(std::move(built));
  if (LogEnabled(LogItem::kInAsm)) {
    LogCode(*block, linear);
  }
  return Fault::None();
}

// The first bytes of the page after the one that holds linear.
Fault Interpreter::ReadNextPage(u64 linear, std::array<std::byte, 15>& bytes, size_t& count) {
  const u64 next = (AlignDown(linear, kPageSize) + kPageSize) & core_.linear_mask;
  CodePage page;
  if (const Fault fault = mmu_.Fetch(Gva(next), page)) {
    return fault;
  }
  count = bytes.size();
  if (page.host == nullptr) {
    (void)mmu_.view().Read(page.gpa, bytes);
  } else {
    std::memcpy(bytes.data(), page.host, count);
  }
  return Fault::None();
}

bool Interpreter::Matches(const Block& block, const std::byte* host,
                          std::span<const std::byte> next) const {
  const size_t here = std::min<size_t>(block.bytes.size(), kPageSize - block.PageOffset());
  const std::span<const u8> bytes(block.bytes);
  return BytesEqual(bytes.first(here), host) &&
         (here == bytes.size() || BytesEqual(bytes.subspan(here), next.data()));
}

}  // namespace tandem::cpu
