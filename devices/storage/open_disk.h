#pragma once

#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/result.h"
#include "devices/storage/block_backend.h"
#include "devices/storage/block_image.h"
#include "devices/storage/worker_pool.h"

namespace tandem::devices {

// What -drive says about the host side of a disk.
struct DiskOptions {
  std::string path;
  std::string format;  // "raw", "qcow2", or empty: looked at
  bool read_only = false;
  bool snapshot = false;
};

Result<std::unique_ptr<BlockImage>> OpenImage(const DiskOptions& options);

// OpenImage behind an AsyncBackend. Pool and loop outlive the result.
Result<std::unique_ptr<BlockBackend>> OpenDisk(const DiskOptions& options, WorkerPool& pool,
                                               EventLoop& loop);

}  // namespace tandem::devices
