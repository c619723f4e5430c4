#include "tests/differential/session.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <numeric>

#include "cpu/state/model_parser.h"
#include "tests/rows/kvm_engine.h"

namespace tandem::cpu {
namespace {

constexpr int kDiffers = 1, kWrongCall = 2, kNeverHit = 3;
constexpr auto kBetweenLines = std::chrono::seconds(10);

CpuModel HostModel() {
  CpuModel model;
  model.features = InterpreterFeatures();
  return model;
}

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

Result<void> WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  return file.flush() ? Result<void>() : Error{fmt::format("cannot write '{}'", path)};
}

// The processor's, from /proc/cpuinfo.
std::string HostName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      return "Host: " + line.substr(line.find(':') + 2);
    }
  }
  return "Host: not known";
}

u64 SumOf(std::span<const u64> counts) { return std::reduce(counts.begin(), counts.end()); }

int Complain(const Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  return kWrongCall;
}

}  // namespace

Session::Session(Options options)
    : options_(std::move(options)),
      forms_(FindForms(HostModel(), options_.choice)),
      board_(forms_.size()) {}

double Session::Elapsed() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void Session::FindKvm() {
  kvm_rate_ = options_.kvm_rate;
  if (kvm_rate_ != 0 && !KvmEngine::WhyMissing().empty()) {
    Print("skipped: nothing runs on KVM: " + KvmEngine::WhyMissing() + "\n");
    kvm_rate_ = 0;
  }
}

Result<void> Session::Open() {
  corpus_.seed = options_.seed.value_or(1);
  FindKvm();
  if (options_.corpus.empty()) {
    return {};
  }
  Result<std::optional<Corpus>> read = ReadCorpus(options_.corpus);
  if (!read.ok()) {
    return read.error();
  }
  if (!*read) {
    return {};
  }
  corpus_ = std::move(**read);
  if (options_.seed.value_or(corpus_.seed) != corpus_.seed) {
    return Error{fmt::format("--seed {}: corpus '{}' is of seed {}", *options_.seed,
                             options_.corpus, corpus_.seed)};
  }
  for (const auto& [name, count] : corpus_.hits) {
    hits_before_[name] = count;
  }
  return {};
}

void Session::Take(const Finding& finding) {
  Print(fmt::format("{}{}: {}\n{}{}{}",
                    finding.is_undefined ? "undefined flags differ, " : "DIFFERS, ",
                    NameOf(finding.side), finding.name, finding.row,
                    finding.row.empty() ? "" : "\n", finding.details));
  if (finding.is_undefined) {
    failures_.undefined.insert(finding.name);
    return;
  }
  failures_.of[static_cast<size_t>(finding.side)].insert(finding.name);
  ++other_failures_;
  if (!finding.row.empty()) {
    corpus_.rows.push_back(finding.row);
  }
}

void Session::ShowProgress() {
  const BatchCounts counts = board_.Total();
  const u64 cases = counts.single_cases + counts.sequence_cases;
  Print(fmt::format(
      "{:.0f} s: {} cases on interpreter and translator ({:.0f}/s), {} of them on "
      "KVM, {} differ; {}\n",
      Elapsed(), cases, static_cast<double>(cases) / Elapsed(), counts.kvm_cases,
      SumOf(counts.differences), Coverage(forms_, board_.hits(), hits_before_).Summary()));
}

Result<void> Session::Save(u64 next) {
  if (options_.corpus.empty()) {
    return {};
  }
  const Coverage coverage(forms_, board_.hits(), hits_before_);
  Corpus corpus{corpus_.seed, next, {}, corpus_.rows};
  for (size_t i = 0; i < forms_.size(); ++i) {
    if (coverage.CasesOf(i) != 0) {
      corpus.hits.emplace_back(forms_[i].name, static_cast<u32>(coverage.CasesOf(i)));
    }
  }
  return WriteCorpus(options_.corpus, corpus);
}

void Session::Work() {
  Range range{options_.batch.value_or(corpus_.next)};
  if (options_.batch || options_.batches) {
    range.end = range.first + options_.batches.value_or(1);
  }
  const auto end = options_.batch || options_.batches
                       ? Clock::time_point::max()
                       : start_ + std::chrono::seconds(options_.seconds);
  Workers workers(board_, forms_, corpus_.seed, options_.choice, range, options_.jobs, kvm_rate_);
  const auto take = [this](const Finding& finding) { Take(finding); };
  while (workers.Wait(100, take)) {
    board_.must_stop() = Clock::now() >= end;
    if (Clock::now() - shown_ > kBetweenLines) {
      shown_ = Clock::now();
      ShowProgress();
      if (const Result<void> saved = Save(workers.Next()); !saved.ok()) {
        Complain(saved.error());
      }
    }
  }
  corpus_.next = workers.Next();
}

std::string Session::CountsText() const {
  const BatchCounts counts = board_.Total();
  const u64 cases = counts.single_cases + counts.sequence_cases;
  return fmt::format(
      "seed {}, {:.0f} s, {} workers: {} cases against the host on the interpreter and as "
      "many on the translator, {} of single instructions and {} of sequences ({:.0f}/s on "
      "both together), {} of them on KVM, too; {} cases of real and protected mode, translator "
      "against interpreter; {} cases differ, {} in undefined flags or bytes without meaning",
      corpus_.seed, Elapsed(), options_.jobs, cases, counts.single_cases, counts.sequence_cases,
      2 * static_cast<double>(cases) / Elapsed(), counts.kvm_cases, counts.narrow_cases,
      SumOf(counts.differences), counts.undefined);
}

std::string Session::EngineText(const Coverage& coverage, Side side) const {
  const BatchCounts counts = board_.Total();
  const u64 differences = counts.differences[static_cast<size_t>(side)];
  if (side != Side::kKvm) {
    return fmt::format("{}: {} cases against the host, {} differ; {}", NameOf(side),
                       counts.single_cases + counts.sequence_cases, differences,
                       coverage.Summary());
  }
  const AllowanceCounts allowances = board_.TotalAllowances();
  const u64 allowed = SumOf(std::span(allowances).subspan(kOwnAllowances));
  return kvm_rate_ == 0
             ? "KVM: not run"
             : fmt::format(
                   "KVM: {} cases against the host (one piece of code in {}), {} of real "
                   "and protected mode against the interpreter; {} differ, {} differ as "
                   "this kernel's emulation is known to; {}",
                   counts.kvm_cases, kvm_rate_, counts.narrow_kvm_cases, differences, allowed,
                   coverage.KvmSummary());
}

void Session::Summarise(const Coverage& coverage) const {
  const AllowanceCounts allowances = board_.TotalAllowances();
  for (size_t i = 0; i < kAllowances; ++i) {
    if (allowances[i] != 0) {
      Print(fmt::format("allowed {} times: {}\n", allowances[i], NameOfAllowance(i)));
    }
  }
  for (const std::string& line : coverage.NotForHost()) {
    Print("not run on the host, " + line + "\n");
  }
  Print(fmt::format("in this run always with an exception: {}\n",
                    fmt::join(coverage.NeverCompleted(), " ")));
  for (const std::string& name : coverage.NeverHit()) {
    Print("never hit: " + name + "\n");
  }
  for (const Side side : {Side::kInterpreter, Side::kTranslator, Side::kKvm}) {
    Print(EngineText(coverage, side) + "\n");
  }
  Print(CountsText() + "\n");
}

std::string Session::ConformanceText(const Coverage& coverage) const {
  std::string text =
      "## Instructions against the host\n\n" + HostName() + ", " + CountsText() +
      ". Hit: " + coverage.Summary() + ".\n\n" + EngineText(coverage, Side::kKvm) + ".\n\n" +
      MatrixText(forms_, coverage, failures_) +
      "\nUndefined flags differ for: " + fmt::format("{}.\n", fmt::join(failures_.undefined, ", "));
  text += "\nNot run on the host:\n\n";
  for (const std::string& line : coverage.NotForHost()) {
    text += "- " + line + "\n";
  }
  text += "\nDifferences that are no errors, or known gaps (\"translator:\"):\n\n";
  for (size_t i = 0; i < kOwnAllowances; ++i) {
    text += fmt::format("- {}\n", NameOfAllowance(i));
  }
  text +=
      "\nWhat a KVM without VMX and SVM, whose kernel emulates each instruction, does wrong:\n\n";
  for (size_t i = kOwnAllowances; i < kAllowances; ++i) {
    text += fmt::format("- {}\n", NameOfAllowance(i));
  }
  return text;
}

Result<void> Session::WriteFiles(const Coverage& coverage) const {
  if (!options_.coverage.empty()) {
    if (const auto written = WriteFile(options_.coverage, coverage.Listing()); !written.ok()) {
      return written;
    }
  }
  return options_.matrix.empty() ? Result<void>()
                                 : WriteFile(options_.matrix, ConformanceText(coverage));
}

int Session::Run() {
  if (const Result<void> opened = Open(); !opened.ok()) {
    return Complain(opened.error());
  }
  Work();
  const Coverage coverage(forms_, board_.hits(), hits_before_);
  Summarise(coverage);
  if (const Result<void> saved = Save(corpus_.next); !saved.ok()) {
    return Complain(saved.error());
  }
  if (const Result<void> written = WriteFiles(coverage); !written.ok()) {
    return Complain(written.error());
  }
  if (other_failures_ != 0) {
    return kDiffers;
  }
  return coverage.NeverHit().empty() || options_.batch ? 0 : kNeverHit;
}

}  // namespace tandem::cpu
