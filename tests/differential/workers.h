#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/differential/board.h"

namespace tandem::cpu {

// Which batches are run: from the first on, in steps of the number of workers.
struct Range {
  u64 first = 0;
  u64 end = ~u64{0};
};

// A process for each processor, so that a case that goes astray ends its worker only.
class Workers {
 public:
  // A finding, or what became of a worker that ended by itself.
  using OnFinding = std::function<void(const Finding&)>;

  Workers(Board& board, const std::vector<Form>& forms, u64 seed, Choice choice, Range range,
          size_t count, u64 kvm_rate);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Waits for reports for at most so long. False: all workers are done.
  bool Wait(int timeout_ms, const OnFinding& on_finding);
  // The first batch that is not known to be done.
  u64 Next();

 private:
  struct Worker {
    pid_t pid = 0;
    UniqueFd reports;
    std::string unread;
    bool is_running = true;
    u64 last_batch = 0;
    int quiet_ms = 0;
  };

  [[noreturn]] void RunWorker(size_t index, int reports) const;
  void Read(Worker& worker, const OnFinding& on_finding);
  void End(size_t index, const OnFinding& on_finding);
  void WatchForHang(size_t index, int waited_ms);

  Board& board_;
  const std::vector<Form>& forms_;
  const u64 seed_;
  const Choice choice_;
  const Range range_;
  const u64 kvm_rate_;
  std::vector<Worker> workers_;
};

}  // namespace tandem::cpu
