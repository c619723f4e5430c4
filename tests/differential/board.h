#pragma once

#include <atomic>
#include <span>

#include "tests/differential/allowance.h"
#include "tests/differential/batch.h"

namespace tandem::cpu {

// What a worker process tells of itself.
struct WorkerBoard {
  std::atomic<u64> batch;  // that it is at
  std::atomic<u64> singles, sequences, kvm, narrow, narrow_kvm, undefined;
  std::array<std::atomic<u64>, kSides> differences;
  std::array<std::atomic<u64>, kAllowances> allowances;
};

// Memory that all workers and their parent share.
class Board {
 public:
  static constexpr size_t kMaxWorkers = 64;

  explicit Board(size_t forms);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  WorkerBoard& worker(size_t index) { return shared_->workers[index]; }
  std::span<FormHits> hits() { return {hits_, forms_}; }
  std::atomic<bool>& must_stop() { return shared_->must_stop; }
  // Of all workers.
  BatchCounts Total() const;
  AllowanceCounts TotalAllowances() const;

 private:
  struct Shared {
    std::atomic<bool> must_stop;
    std::array<WorkerBoard, kMaxWorkers> workers;
  };

  const size_t forms_;
  Shared* shared_ = nullptr;
  FormHits* hits_ = nullptr;
};

void Post(const BatchCounts& counts, const AllowanceCounts& allowances, WorkerBoard& to);

}  // namespace tandem::cpu
