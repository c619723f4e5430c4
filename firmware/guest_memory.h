#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "devices/bus/flat_view.h"

namespace tandem::firmware {

// Writes into guest RAM on behalf of a loader. What does not fit in RAM is an Error, for sizes come
// from the user's files.
class GuestMemory {
 public:
  explicit GuestMemory(std::shared_ptr<const devices::FlatView> view) : view_(std::move(view)) {}

  // what names the data in the error.
  Result<void> Write(u64 address, std::span<const std::byte> data, std::string_view what) const;
  Result<void> Zero(u64 address, u64 length, std::string_view what) const;
  // Whether all of the range is writable RAM.
  bool IsRam(u64 address, u64 length) const;

 private:
  template <typename OnPart>
  void ForEachPart(u64 address, u64 length, OnPart on_part) const;

  std::shared_ptr<const devices::FlatView> view_;
};

}  // namespace tandem::firmware
