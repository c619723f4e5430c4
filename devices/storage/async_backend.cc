#include "devices/storage/async_backend.h"

#include <cerrno>

#include "base/bits.h"

namespace tandem::devices {

AsyncBackend::AsyncBackend(std::unique_ptr<BlockImage> image, WorkerPool& pool, EventLoop& loop)
    : image_(std::move(image)), pool_(pool), loop_(loop) {}

AsyncBackend::~AsyncBackend() {
  UniqueLock lock(mu_);
  idle_.wait(lock, [this] { return in_flight_ == 0; });
}

void AsyncBackend::Submit(BlockRequest request) {
  {
    MutexLock lock(mu_);
    ++in_flight_;
  }
  pool_.Run([this, request = std::make_shared<BlockRequest>(std::move(request))] {
    Finish(*request, Serve(*request));
  });
}

int AsyncBackend::Transfer(const BlockRequest& request) {
  u64 offset = request.offset;
  for (const std::span<std::byte> buffer : request.buffers) {
    const int error =
        request.op == BlockOp::kRead ? image_->Read(offset, buffer) : image_->Write(offset, buffer);
    if (error != 0) {
      return error;
    }
    offset += buffer.size();
  }
  return 0;
}

int AsyncBackend::Serve(const BlockRequest& request) {
  u64 length = request.op == BlockOp::kDiscard ? request.length : 0;
  for (const std::span<std::byte> buffer : request.buffers) {
    length += buffer.size();
  }
  const std::optional<u64> end = CheckedAdd(request.offset, length);
  if (!end || *end > image_->Size()) {
    return EIO;
  }
  if (IsReadOnly() && (request.op == BlockOp::kWrite || request.op == BlockOp::kDiscard)) {
    return EROFS;
  }
  switch (request.op) {
    case BlockOp::kRead:
    case BlockOp::kWrite:
      return Transfer(request);
    case BlockOp::kFlush:
      return image_->Flush();
    case BlockOp::kDiscard:
      return image_->Discard(request.offset, length);
  }
  return EINVAL;
}

void AsyncBackend::Finish(BlockRequest& request, int error) {
  loop_.Post([done = std::move(request.done), error] { done(error); });
  MutexLock lock(mu_);
  if (--in_flight_ == 0) {
    idle_.notify_all();
  }
}

}  // namespace tandem::devices
