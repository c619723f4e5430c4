#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tests/differential/form.h"

namespace tandem::cpu {

// What a run leaves for the next one to go on with, as a text file: the seed, the next batch, how
// often each form was hit, and the rows found so far.
struct Corpus {
  u64 seed = 0;
  u64 next = 0;
  std::vector<std::pair<std::string, u32>> hits;  // by name of the form
  std::vector<std::string> rows;
};

// Nothing: there is no such file yet.
Result<std::optional<Corpus>> ReadCorpus(const std::string& path);
// The file is old or new at any time.
Result<void> WriteCorpus(const std::string& path, const Corpus& corpus);

}  // namespace tandem::cpu
