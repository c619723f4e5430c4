#pragma once

#include <array>
#include <functional>
#include <list>
#include <unordered_map>

#include "base/mutex.h"
#include "cpu/decode/decode_cache.h"
#include "devices/bus/ram_block.h"
#include "jit/context/context.h"
#include "jit/unit/code_window.h"

namespace tandem::jit {

// Where a guest page lies.
struct GuestPage {
  devices::RamBlock* ram = nullptr;
  u64 offset = 0;  // of the page in ram
  bool is_global = false;  // its translation survives loads of CR3
  const std::byte* host() const { return ram->data() + offset; }
};

// Numbers of pages with code, for VcpuContext::page_tags. Any thread.
class PageNumbers {
 public:
  // kCodePages: there are none left.
  u32 Of(u64 host_page);
  // Only a few are left: all code is to be dropped, and then the numbers.
  bool IsNearlyUsedUp() const;
  void Clear();

 private:
  static constexpr u32 kReserve = 256;

  mutable Mutex mu_{LockRank::kLeaf};  // guards numbers_
  std::unordered_map<u64, u32> numbers_;
};

// The pages around a RIP as one vCPU has them mapped.
class MappedWindow final : public CodeWindow {
 public:
  // Finds the page so many pages after the first, without a fault; false: it cannot be had.
  using Finder = std::function<bool(i64 page, GuestPage& found)>;

  // The first two outlive it. linear: address of the first page.
  MappedWindow(PageNumbers& numbers, cpu::DecodeCache& decoded, u64 linear, Finder find)
      : numbers_(numbers), decoded_(decoded), linear_(linear), find_(std::move(find)) {}

  u64 linear() const { return linear_; }

  const Page* At(i64 page) override;
  cpu::DecodeStatus Decode(cpu::DecodeMode mode, std::span<const std::byte> code,
                           cpu::Inst& inst) override {
    return decoded_.Decode(mode, code, inst);
  }
  const GuestPage* GuestAt(i64 page);
  // Calls back with each GuestPage that has been found.
  template <typename Visitor>
  void VisitKnown(Visitor visit) const {
    for (size_t i = 0; i < first_count_; ++i) {
      Visit(first_[i], visit);
    }
    for (const Entry& entry : more_) {
      Visit(entry, visit);
    }
  }
  // From now on only what was asked for before can be had.
  void Seal() { is_sealed_ = true; }
  void Unseal() { is_sealed_ = false; }

 private:
  struct Entry {
    i64 page = 0;
    bool is_there = false;
    GuestPage guest;
    Page view;
  };
  template <typename Visitor>
  static void Visit(const Entry& entry, Visitor& visit) {
    if (entry.is_there) {
      visit(entry.guest);
    }
  }
  const Entry& Look(i64 page);
  Entry& Append();

  PageNumbers& numbers_;
  cpu::DecodeCache& decoded_;
  const u64 linear_;
  const Finder find_;
  bool is_sealed_ = false;
  // Entries stay where they are. Most windows have few.
  std::array<Entry, 4> first_;
  size_t first_count_ = 0;
  std::list<Entry> more_;
};

}  // namespace tandem::jit
