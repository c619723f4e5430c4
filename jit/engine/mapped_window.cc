#include "jit/engine/mapped_window.h"

namespace tandem::jit {

u32 PageNumbers::Of(u64 host_page) {
  MutexLock lock(mu_);
  if (const auto it = numbers_.find(host_page); it != numbers_.end()) {
    return it->second;
  }
  const u32 number = static_cast<u32>(numbers_.size());
  if (number < kCodePages) {
    numbers_.emplace(host_page, number);
  }
  return number;
}

bool PageNumbers::IsNearlyUsedUp() const {
  MutexLock lock(mu_);
  return numbers_.size() + kReserve > kCodePages;
}

void PageNumbers::Clear() {
  MutexLock lock(mu_);
  numbers_.clear();
}

MappedWindow::Entry& MappedWindow::Append() {
  return first_count_ < first_.size() ? first_[first_count_++] : more_.emplace_back();
}

const MappedWindow::Entry& MappedWindow::Look(i64 page) {
  for (size_t i = 0; i < first_count_; ++i) {
    if (first_[i].page == page) {
      return first_[i];
    }
  }
  for (const Entry& entry : more_) {
    if (entry.page == page) {
      return entry;
    }
  }
  static const Entry kNothing;
  if (is_sealed_) {
    return kNothing;
  }
  Entry& entry = Append();
  entry.page = page;
  if (find_(page, entry.guest)) {
    entry.view.bytes = {entry.guest.host(), static_cast<size_t>(kPageBytes)};
    entry.view.id = numbers_.Of(entry.view.host());
    entry.is_there = entry.view.id < kCodePages;
  }
  return entry;
}

const CodeWindow::Page* MappedWindow::At(i64 page) {
  const Entry& entry = Look(page);
  return entry.is_there ? &entry.view : nullptr;
}

const GuestPage* MappedWindow::GuestAt(i64 page) {
  const Entry& entry = Look(page);
  return entry.is_there ? &entry.guest : nullptr;
}

}  // namespace tandem::jit
