#include "tests/differential/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <thread>

#include "tests/differential/board.h"

namespace tandem::cpu {
namespace {

bool ParseNumber(const char* text, u64& number) {
  const char* const end = text + std::strlen(text);
  return *text != '\0' && std::from_chars(text, end, number).ptr == end;
}

// Fills what the option sets. False: it is none that has such a value.
bool TakeNumber(const std::string& name, u64 value, Options& options) {
  if (name == "--seconds") {
    options.seconds = value;
  } else if (name == "--seed") {
    options.seed = value;
  } else if (name == "--jobs") {
    options.jobs = value;
  } else if (name == "--batch") {
    options.batch = value;
  } else if (name == "--batches") {
    options.batches = value;
  } else if (name == "--kvm-rate") {
    options.kvm_rate = value;
  } else {
    return false;
  }
  return true;
}

bool TakePath(const std::string& name, const std::string& value, Options& options) {
  if (name == "--corpus") {
    options.corpus = value;
  } else if (name == "--coverage") {
    options.coverage = value;
  } else if (name == "--matrix") {
    options.matrix = value;
  } else {
    return false;
  }
  return true;
}

Result<void> TakeWithValue(const std::string& name, const char* value, Options& options) {
  u64 number = 0;
  if (TakePath(name, value, options)) {
    return {};
  }
  Options scratch;
  if (!TakeNumber(name, 0, scratch)) {
    return Error{fmt::format("unknown option '{}' (try --help)", name)};
  }
  if (!ParseNumber(value, number)) {
    return Error{fmt::format("{} wants a number, not '{}'", name, value)};
  }
  TakeNumber(name, number, options);
  return {};
}

}  // namespace

const char* const kUsage =
    "usage: differential [OPTION...]\n"
    "Runs instructions and sequences on the host, the interpreter, the translator and KVM\n"
    "and compares all they leave. Exit status 1: something differs, 3: a form was never hit, 2: "
    "wrong call.\n"
    "  --seconds N      how long (60)\n"
    "  --seed S         of all that is random (1, or the corpus's)\n"
    "  --jobs N         worker processes (one a processor)\n"
    "  --batches N      so many batches, however long they take\n"
    "  --batch B        batch number B only\n"
    "  --corpus FILE    go on where the run that wrote FILE stopped, and write it again\n"
    "  --coverage FILE  write all forms with their counts of cases to FILE\n"
    "  --matrix FILE    write the table of docs/conformance.md to FILE\n"
    "  --kvm-rate N     run one piece of code in N (11) on KVM, too, where there is one; 0: none\n"
    "  --avx512         instructions of AVX-512 only\n";

Result<Options> ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help" || name == "-h") {
      options.wants_help = true;
    } else if (name == "--avx512") {
      options.choice = Choice::kAvx512;
    } else if (i + 1 == argc) {
      return Error{fmt::format("option '{}' is unknown or lacks its value (try --help)", name)};
    } else if (const Result<void> taken = TakeWithValue(name, argv[++i], options); !taken.ok()) {
      return taken.error();
    }
  }
  if (options.jobs == 0) {
    options.jobs = std::max(1u, std::thread::hardware_concurrency());
  }
  options.jobs = options.batch ? 1 : std::min<u64>(options.jobs, Board::kMaxWorkers);
  return options;
}

}  // namespace tandem::cpu
