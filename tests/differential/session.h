#pragma once

#include <chrono>

#include "tests/differential/corpus.h"
#include "tests/differential/matrix.h"
#include "tests/differential/options.h"
#include "tests/differential/workers.h"

namespace tandem::cpu {

// A run of the tester from its command line to its exit status.
class Session {
 public:
  explicit Session(Options options);

  int Run();

 private:
  using Clock = std::chrono::steady_clock;

  void FindKvm();
  Result<void> Open();
  void Work();
  void Take(const Finding& finding);
  void ShowProgress();
  Result<void> Save(u64 next);
  void Summarise(const Coverage& coverage) const;
  std::string CountsText() const;
  std::string EngineText(const Coverage& coverage, Side side) const;
  std::string ConformanceText(const Coverage& coverage) const;
  Result<void> WriteFiles(const Coverage& coverage) const;
  double Elapsed() const;

  const Options options_;
  u64 kvm_rate_ = 0;
  const std::vector<Form> forms_;
  Board board_;
  Corpus corpus_;
  std::map<std::string, u64> hits_before_;
  Failures failures_;
  u64 other_failures_ = 0;  // of sequences, and of workers
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
};

}  // namespace tandem::cpu
