#pragma once

#include <span>

#include "base/result.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// The payload of a bzImage (gzip, xz, lzma, zstd or lz4 by its magic), decompressed. The last four
// bytes hold the size of the result, as the kernel's build appends them; a payload that does not
// come out at that size is an Error.
Result<Bytes> DecompressPayload(std::span<const std::byte> payload);

}  // namespace tandem::firmware
