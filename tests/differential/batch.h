#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <set>

#include "tests/differential/contest.h"
#include "tests/differential/narrow.h"
#include "tests/differential/sequence.h"
#include "tests/differential/shrink.h"

namespace tandem::cpu {

// A difference, cut down.
struct Finding {
  Side side = Side::kInterpreter;
  bool is_undefined = false;  // in undefined flags alone
  std::string name;           // the form's, "sequence" or the like
  std::string row;            // a line of tests/rows; empty where none can be made
  std::string details;
};

// Cases of one form.
struct FormHits {
  std::atomic<u32> all;
  std::atomic<u32> completed;  // without an exception
  std::atomic<u32> on_kvm;
  std::atomic<u32> known_on_kvm;  // those that differed there as is known
};

struct BatchCounts {
  u64 single_cases = 0, sequence_cases = 0;  // each ran on the host, interpreter and translator
  u64 kvm_cases = 0;                         // those that ran on KVM, too
  u64 narrow_cases = 0;                      // each ran on interpreter and translator
  u64 narrow_kvm_cases = 0;                  // those that ran on KVM, too
  std::array<u64, kSides> differences{};     // by Side
  u64 undefined = 0;                         // likewise, in flags without meaning
};

// Pieces of code with several inputs each. A batch depends on seed and number alone.
class Batches {
 public:
  using Report = std::function<void(const Finding&)>;

  // All outlive this; hits counts the cases of each form. One piece of code in kvm_rate runs on
  // KVM, too; 0: none.
  Batches(Parties& parties, const std::vector<Form>& forms, u64 seed, Choice choice, u64 kvm_rate,
          std::span<FormHits> hits, Report report);

  void Run(u64 number);
  const BatchCounts& counts() const { return counts_; }
  const AllowanceCounts& allowances() const { return contest_.allowances(); }
  // What is run, for who wants to know where it stopped.
  std::string Current() const;

 private:
  void SetLineup(u64 chance);
  void RunForm(u64 index);
  void RunSingle(const Single& single, const std::string& name, FormHits* hits);
  void RunSequence();
  void RunNarrow();
  void TakeNarrow(Side side, const std::string& text, u64& equal);
  void FillMemory();
  using MakeInput = std::function<CpuState(u64 input, Window& window)>;
  void Repeat(const std::string& name, const Inst* only, const MakeInput& make, u64 inputs,
              u64& done);
  bool AreAllEqual(const MakeInput& make, u64 inputs, u64& done);
  bool LookClosely(const std::string& name, const Inst* only, const MakeInput& make, u64 input);
  void Explain(const std::string& name, const Inst* only,
               const std::vector<Difference>& differences);
  Finding Describe(const Difference& difference, const std::string& name, const Inst* only,
                   Start start);
  void ShrinkSequence(Sequence sequence, Start& start, const StillDiffers& still_differs);

  Parties& parties_;
  const std::vector<Form>& forms_;
  const u64 seed_;
  const Choice choice_;
  const u64 kvm_rate_;
  const std::span<FormHits> hits_;
  const Report report_;
  const ValuePool pool_;
  Contest contest_;
  std::vector<std::unique_ptr<NarrowDifferential>> narrow_;
  u64 number_ = 0;
  Lineup lineup_;
  u64 completed_ = 0;  // cases of the batch that ended without an exception
  Random random_{0};
  Start current_;
  const Sequence* sequence_ = nullptr;
  BatchCounts counts_;
  std::set<std::string> explained_;
};

}  // namespace tandem::cpu
