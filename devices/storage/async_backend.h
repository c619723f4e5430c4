#pragma once

#include <memory>

#include "base/event_loop.h"
#include "base/mutex.h"
#include "devices/storage/block_backend.h"
#include "devices/storage/block_image.h"
#include "devices/storage/worker_pool.h"

namespace tandem::devices {

// A BlockImage served by the pool's threads, with completions posted to the loop. Pool and loop
// outlive it.
class AsyncBackend final : public BlockBackend {
 public:
  AsyncBackend(std::unique_ptr<BlockImage> image, WorkerPool& pool, EventLoop& loop);
  // Waits for requests in progress; their completions may still be posted.
  ~AsyncBackend() override;

  u64 Size() const override { return image_->Size(); }
  bool IsReadOnly() const override { return image_->IsReadOnly(); }
  void Submit(BlockRequest request) override;

 private:
  int Serve(const BlockRequest& request);
  int Transfer(const BlockRequest& request);
  void Finish(BlockRequest& request, int error);

  const std::unique_ptr<BlockImage> image_;
  WorkerPool& pool_;
  EventLoop& loop_;
  Mutex mu_{LockRank::kBackend};  // guards in_flight_
  CondVar idle_;
  unsigned in_flight_ = 0;
};

}  // namespace tandem::devices
