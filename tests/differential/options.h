#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "tests/differential/form.h"

namespace tandem::cpu {

struct Options {
  u64 seconds = 60;
  std::optional<u64> seed;               // 1, or the corpus's
  u64 jobs = 0;                          // worker processes
  std::optional<u64> batch;              // this one only
  std::optional<u64> batches;            // so many
  std::string corpus, coverage, matrix;  // paths; empty: none
  Choice choice = Choice::kAll;
  u64 kvm_rate = 11;  // one piece of code in so many runs on KVM, too; 0: none
  bool wants_help = false;
};

Result<Options> ParseOptions(int argc, char** argv);
extern const char* const kUsage;

}  // namespace tandem::cpu
