#include "tests/differential/board.h"

#include <sys/mman.h>

#include "base/check.h"

namespace tandem::cpu {
namespace {

void* MapShared(size_t size) {
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

}  // namespace

Board::Board(size_t forms)
    : forms_(forms),
      shared_(static_cast<Shared*>(MapShared(sizeof(Shared)))),
      hits_(static_cast<FormHits*>(MapShared(forms * sizeof(FormHits)))) {}

Board::~Board() {
  ::munmap(shared_, sizeof(Shared));
  ::munmap(hits_, forms_ * sizeof(FormHits));
}

BatchCounts Board::Total() const {
  BatchCounts total;
  for (const WorkerBoard& worker : shared_->workers) {
    total.single_cases += worker.singles;
    total.sequence_cases += worker.sequences;
    total.kvm_cases += worker.kvm;
    total.narrow_cases += worker.narrow;
    total.narrow_kvm_cases += worker.narrow_kvm;
    for (size_t side = 0; side < kSides; ++side) {
      total.differences[side] += worker.differences[side];
    }
    total.undefined += worker.undefined;
  }
  return total;
}

AllowanceCounts Board::TotalAllowances() const {
  AllowanceCounts total{};
  for (const WorkerBoard& worker : shared_->workers) {
    for (size_t i = 0; i < kAllowances; ++i) {
      total[i] += worker.allowances[i];
    }
  }
  return total;
}

void Post(const BatchCounts& counts, const AllowanceCounts& allowances, WorkerBoard& to) {
  to.singles = counts.single_cases;
  to.sequences = counts.sequence_cases;
  to.kvm = counts.kvm_cases;
  to.narrow = counts.narrow_cases;
  to.narrow_kvm = counts.narrow_kvm_cases;
  for (size_t side = 0; side < kSides; ++side) {
    to.differences[side] = counts.differences[side];
  }
  to.undefined = counts.undefined;
  for (size_t i = 0; i < kAllowances; ++i) {
    to.allowances[i] = allowances[i];
  }
}

}  // namespace tandem::cpu
