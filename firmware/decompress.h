#pragma once

#include <functional>
#include <span>

#include "base/ints.h"
#include "base/result.h"

namespace tandem::firmware {

// Where a payload goes, piece by piece.
struct PayloadSink {
  // Called first, with the first bytes (all headers are in them) and the size of all. An error ends it.
  std::function<Result<void>(std::span<const std::byte> head, u64 size)> begin;
  // A part of the result, from any thread, in any order. It is gone after the call.
  std::function<void(u64 offset, std::span<const std::byte> piece)> take;
};

// Decompresses the payload of a bzImage (gzip, xz, lzma, zstd or lz4 by its magic). The last four bytes
// hold the size of the result, as the kernel's build appends them; a payload that does not come out at
// that size is an Error, found when parts of it may have been taken.
Result<void> DecompressPayload(std::span<const std::byte> payload, const PayloadSink& sink);

}  // namespace tandem::firmware
