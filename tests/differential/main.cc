#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "tests/differential/compare_run.h"

// differential [--seconds N] [--seed S] [--avx512 1] [--sequences PERCENT]: random instructions, or
// only those of AVX-512, and sequences on the host, the interpreter and the translator. Prints the
// first difference of each instruction and ten differing sequences; exit status 1 for any.
namespace {

tandem::u64 Option(int argc, char** argv, const char* name, tandem::u64 otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) {
      return std::strtoull(argv[i + 1], nullptr, 0);
    }
  }
  return otherwise;
}

// The instruction's name in a description "hex ; name ...".
std::string NameIn(const std::string& text) {
  const size_t start = text.find("; ") + 2;
  return text.substr(start, text.find(' ', start) - start);
}

}  // namespace

int main(int argc, char** argv) {
  const tandem::u64 seconds = Option(argc, argv, "--seconds", 10);
  using tandem::cpu::Choice;
  const Choice choice = Option(argc, argv, "--avx512", 0) != 0 ? Choice::kAvx512 : Choice::kAll;
  tandem::cpu::Differential differential(Option(argc, argv, "--seed", 1), choice);
  if (!differential.is_usable()) {
    std::fputs("the test's addresses are taken\n", stderr);
    return 2;
  }
  const tandem::u64 percent = Option(argc, argv, "--sequences", 50);
  std::set<std::string> seen;
  unsigned bad_sequences = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (tandem::u64 i = 0; std::chrono::steady_clock::now() < end && bad_sequences < 10; ++i) {
    const bool is_sequence = i % 100 < percent;
    const std::string text = is_sequence ? differential.RunSequence() : differential.RunOne();
    if (!text.empty() && (is_sequence || seen.insert(NameIn(text)).second)) {
      std::puts(text.c_str());
      std::fflush(stdout);
      bad_sequences += is_sequence ? 1 : 0;
    }
  }
  std::printf("%llu trials of %zu instructions, %zu differ; %llu sequences, %u differ\n",
              static_cast<unsigned long long>(differential.trials()),
              differential.coverage().size(), seen.size(),
              static_cast<unsigned long long>(differential.sequences()), bad_sequences);
  return seen.empty() && bad_sequences == 0 ? 0 : 1;
}
