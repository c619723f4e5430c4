#include "firmware/decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "base/log.h"

namespace tandem::firmware {
namespace {

constexpr u64 kMaxOutput = u64{1} << 30;
constexpr u64 kLzmaMemoryLimit = u64{256} << 20;

using Input = std::span<const std::byte>;
using Decompressor = bool (*)(Input in, Bytes& out);

u8* Unsigned(std::byte* bytes) { return reinterpret_cast<u8*>(bytes); }
const u8* Unsigned(const std::byte* bytes) { return reinterpret_cast<const u8*>(bytes); }

bool Gunzip(Input in, Bytes& out) {
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

bool RunLzma(lzma_stream& stream, Input in, Bytes& out) {
  stream.next_in = Unsigned(in.data());
  stream.avail_in = in.size();
  stream.next_out = Unsigned(out.data());
  stream.avail_out = out.size();
  const lzma_ret status = lzma_code(&stream, LZMA_RUN);
  lzma_end(&stream);
  return (status == LZMA_STREAM_END || status == LZMA_OK) && stream.avail_out == 0;
}

bool Unxz(Input in, Bytes& out) {
  lzma_stream stream = LZMA_STREAM_INIT;
  return lzma_stream_decoder(&stream, kLzmaMemoryLimit, 0) == LZMA_OK && RunLzma(stream, in, out);
}

bool Unlzma(Input in, Bytes& out) {
  lzma_stream stream = LZMA_STREAM_INIT;
  return lzma_alone_decoder(&stream, kLzmaMemoryLimit) == LZMA_OK && RunLzma(stream, in, out);
}

bool Unzstd(Input in, Bytes& out) {
  const size_t frame = ZSTD_findFrameCompressedSize(in.data(), in.size());
  return !ZSTD_isError(frame) &&
         ZSTD_decompress(out.data(), out.size(), in.data(), frame) == out.size();
}

// The legacy frame of `lz4 -l`: the magic, then blocks of {u32 compressed size, data}.
bool Unlz4(Input in, Bytes& out) {
  in = in.subspan(4);
  size_t done = 0;
  while (done < out.size()) {
    const std::optional<u32> block = FieldAt<u32>(in, 0);
    if (!block || *block > in.size() - 4 || *block == 0) {
      return false;
    }
    const int room = static_cast<int>(std::min<u64>(out.size() - done, u64{8} << 20));
    const int made = LZ4_decompress_safe(reinterpret_cast<const char*>(in.data() + 4),
                                         reinterpret_cast<char*>(out.data() + done),
                                         static_cast<int>(*block), room);
    if (made <= 0) {
      return false;
    }
    done += static_cast<size_t>(made);
    in = in.subspan(4 + *block);
  }
  return true;
}

struct Format {
  const char* name;
  std::array<u8, 4> magic;
  size_t magic_size;
  Decompressor decompress;
};

constexpr Format kFormats[] = {
    {"gzip", {0x1f, 0x8b}, 2, Gunzip},           {"xz", {0xfd, 0x37, 0x7a, 0x58}, 4, Unxz},
    {"lzma", {0x5d, 0x00, 0x00}, 3, Unlzma},     {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, Unzstd},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, Unlz4},
};

const Format* FormatOf(Input payload) {
  for (const Format& format : kFormats) {
    if (std::memcmp(payload.data(), format.magic.data(), format.magic_size) == 0) {
      return &format;
    }
  }
  return nullptr;
}

}  // namespace

Result<Bytes> DecompressPayload(Input payload) {
  if (payload.size() < 16) {
    return Fail("kernel payload is too short ({} bytes)", payload.size());
  }
  const Format* format = FormatOf(payload);
  if (format == nullptr) {
    return Fail("kernel payload has an unknown compression");
  }
  const u32 output_size = LoadLe<u32>(payload.data() + payload.size() - 4);
  if (output_size == 0 || output_size > kMaxOutput) {
    return Fail("kernel payload claims {} bytes", output_size);
  }
  Bytes out(output_size);
  if (!format->decompress(payload, out)) {
    return Fail("kernel payload is damaged ({})", format->name);
  }
  return out;
}

}  // namespace tandem::firmware
