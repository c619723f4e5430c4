#include "firmware/decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <vector>

#include "base/log.h"
#include "firmware/bytes.h"
#include "firmware/pages.h"
#include "firmware/parallel.h"

namespace tandem::firmware {
namespace {

constexpr u64 kMaxOutput = u64{1} << 30;
constexpr u64 kLzmaMemoryLimit = u64{256} << 20;

using Input = std::span<const std::byte>;
using Output = std::span<std::byte>;
using Decompressor = bool (*)(Input in, Output out);

Error Damaged(const char* format) { return Fail("kernel payload is damaged ({})", format); }

u8* Unsigned(std::byte* bytes) { return reinterpret_cast<u8*>(bytes); }
const u8* Unsigned(const std::byte* bytes) { return reinterpret_cast<const u8*>(bytes); }

bool Gunzip(Input in, Output out) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
    return false;
  }
  stream.next_in = const_cast<u8*>(Unsigned(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = Unsigned(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return status == Z_STREAM_END && stream.avail_out == 0;
}

bool RunLzma(lzma_stream& stream, Input in, Output out) {
  stream.next_in = Unsigned(in.data());
  stream.avail_in = in.size();
  stream.next_out = Unsigned(out.data());
  stream.avail_out = out.size();
  const lzma_ret status = lzma_code(&stream, LZMA_RUN);
  lzma_end(&stream);
  return (status == LZMA_STREAM_END || status == LZMA_OK) && stream.avail_out == 0;
}

bool Unxz(Input in, Output out) {
  lzma_stream stream = LZMA_STREAM_INIT;
  return lzma_stream_decoder(&stream, kLzmaMemoryLimit, 0) == LZMA_OK && RunLzma(stream, in, out);
}

bool Unlzma(Input in, Output out) {
  lzma_stream stream = LZMA_STREAM_INIT;
  return lzma_alone_decoder(&stream, kLzmaMemoryLimit) == LZMA_OK && RunLzma(stream, in, out);
}

bool Unzstd(Input in, Output out) {
  const size_t frame = ZSTD_findFrameCompressedSize(in.data(), in.size());
  return !ZSTD_isError(frame) &&
         ZSTD_decompress(out.data(), out.size(), in.data(), frame) == out.size();
}

// The legacy frame of `lz4 -l`: the magic, then blocks of {u32 compressed size, data}. Each comes
// out at 8 MiB, but for the last, and they do not depend on one another.
constexpr u64 kLz4Block = u64{8} << 20;

// The blocks that make up so many bytes; empty where they are not all there.
std::vector<Input> Lz4Blocks(Input in, u64 output_size) {
  std::vector<Input> blocks;
  in = in.subspan(4);
  for (u64 made = 0; made < output_size; made += kLz4Block) {
    const std::optional<u32> size = FieldAt<u32>(in, 0);
    if (!size || *size > in.size() - 4 || *size == 0) {
      return {};
    }
    blocks.push_back(in.subspan(4, *size));
    in = in.subspan(4 + *size);
  }
  return blocks;
}

// A block at a time: the memory for it stays in the processor's caches.
Result<void> Unlz4(Input in, u64 size, const PayloadSink& sink) {
  const std::vector<Input> blocks = Lz4Blocks(in, size);
  std::array<std::optional<Pages>, kWorkers> memory;
  for (std::optional<Pages>& each : memory) {
    Result<Pages> made = Pages::Zeroed(std::min(size, kLz4Block));
    if (!made) {
      return made.error();
    }
    each.emplace(std::move(*made));
  }
  const auto decompress = [&](size_t i, size_t worker) -> Input {
    const Output out = memory[worker]->bytes().first(std::min(size - i * kLz4Block, kLz4Block));
    const int made = LZ4_decompress_safe(
        reinterpret_cast<const char*>(blocks[i].data()), reinterpret_cast<char*>(out.data()),
        static_cast<int>(blocks[i].size()), static_cast<int>(out.size()));
    return made == static_cast<int>(out.size()) ? out : Output();
  };
  // All wait for the first block to be accepted, but not with decompressing.
  enum class Start : u8 { kWaits, kGoes, kFails };
  std::atomic<Start> start{Start::kWaits};
  Result<void> result = blocks.empty() ? Damaged("lz4") : Result<void>();
  std::atomic<bool> is_good{true};
  DoInParallel(blocks.size(), [&](size_t i, size_t worker) {
    const Input piece = decompress(i, worker);
    if (i == 0) {
      result = piece.empty() ? Damaged("lz4") : sink.begin(piece, size);
      start = result ? Start::kGoes : Start::kFails;
      start.notify_all();
    }
    start.wait(Start::kWaits);
    if (piece.empty()) {
      is_good = false;
    } else if (start == Start::kGoes) {
      sink.take(i * kLz4Block, piece);
    }
  });
  return result && !is_good ? Damaged("lz4") : result;
}

struct Format {
  const char* name;
  std::array<u8, 4> magic;
  size_t magic_size;
  Decompressor decompress;  // null: lz4
};

constexpr Format kFormats[] = {
    {"gzip", {0x1f, 0x8b}, 2, Gunzip},
    {"xz", {0xfd, 0x37, 0x7a, 0x58}, 4, Unxz},
    {"lzma", {0x5d, 0x00, 0x00}, 3, Unlzma},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, Unzstd},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, nullptr},
};

const Format* FormatOf(Input payload) {
  for (const Format& format : kFormats) {
    if (std::memcmp(payload.data(), format.magic.data(), format.magic_size) == 0) {
      return &format;
    }
  }
  return nullptr;
}

Result<void> DecompressWhole(const Format& format, Input payload, u64 size,
                             const PayloadSink& sink) {
  Result<Pages> out = Pages::Zeroed(size);
  if (!out) {
    return out.error();
  }
  if (!format.decompress(payload, out->bytes())) {
    return Damaged(format.name);
  }
  Result<void> begun = sink.begin(out->bytes(), size);
  if (begun) {
    sink.take(0, out->bytes());
  }
  return begun;
}

}  // namespace

Result<void> DecompressPayload(Input payload, const PayloadSink& sink) {
  if (payload.size() < 16) {
    return Fail("kernel payload is too short ({} bytes)", payload.size());
  }
  const Format* format = FormatOf(payload);
  if (format == nullptr) {
    return Fail("kernel payload has an unknown compression");
  }
  const u32 size = LoadLe<u32>(payload.data() + payload.size() - 4);
  if (size == 0 || size > kMaxOutput) {
    return Fail("kernel payload claims {} bytes", size);
  }
  return format->decompress == nullptr ? Unlz4(payload, size, sink)
                                       : DecompressWhole(*format, payload, size, sink);
}

}  // namespace tandem::firmware
