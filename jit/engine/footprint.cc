#include "jit/engine/footprint.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "jit/engine/content_hash.h"

namespace tandem::jit {

void Footprint::Begin(MappedWindow& window) {
  window_ = &window;
  last_page_ = 0;
  last_host_ = window.At(0)->host();
  spans_.clear();
  bytes_.clear();
}

u64 Footprint::HostOf(i64 offset) {
  if (PageOf(offset) != last_page_) {
    last_page_ = PageOf(offset);
    last_host_ = window_->At(last_page_)->host();
  }
  return last_host_ + OffsetInPage(offset);
}

void Footprint::Add(const UnitInst& inst) {
  const std::span<const u8> bytes = std::span(inst.inst.bytes).first(inst.inst.length);
  const size_t to_end = static_cast<size_t>(kPageBytes - OffsetInPage(inst.offset));
  const size_t first = std::min(to_end, bytes.size());
  AddBytes(HostOf(inst.offset), bytes.first(first));
  if (first < bytes.size()) {
    AddBytes(HostOf(inst.offset + static_cast<i64>(first)), bytes.subspan(first));
  }
}

void Footprint::AddBytes(u64 address, std::span<const u8> bytes) {
  const bool goes_on = !spans_.empty() && spans_.back().address + spans_.back().size == address &&
                       address % static_cast<u64>(kPageBytes) != 0;
  if (!goes_on) {
    spans_.push_back({address, 0});
  }
  spans_.back().size += static_cast<u32>(bytes.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

u64 Footprint::Content() const {
  ContentHash hash;
  const u8* at = bytes_.data();
  for (const GuestSpan& span : spans_) {
    hash.Add(at, span.size);
    at += span.size;
  }
  return hash.value();
}

bool Footprint::IsUnchanged() const {
  const u8* at = bytes_.data();
  return std::all_of(spans_.begin(), spans_.end(), [&](const GuestSpan& span) {
    const u8* const was = std::exchange(at, at + span.size);
    return std::memcmp(reinterpret_cast<const void*>(span.address), was, span.size) == 0;
  });
}

}  // namespace tandem::jit
