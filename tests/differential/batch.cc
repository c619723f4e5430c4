#include "tests/differential/batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "cpu/decode/facts.h"
#include "tests/differential/row_text.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

constexpr u64 kSingleInputs = 16, kSequenceInputs = 8, kNarrowTrials = 4;
// KVM takes part in so many of them: it is slow, so rather more pieces of code than more inputs.
constexpr u64 kKvmInputs = 1;
// Of so many batches one each is of random bytes, of no instruction, and of 16- and 32-bit code
// that the engines alone run; some are sequences, the others go through the forms.
constexpr u64 kCycle = 16, kFormsOfCycle = 10, kSequencesOfCycle = 3;
// Neighbours by name are not tried one after the other. A prime: all have their turn.
constexpr u64 kStride = 15'485'863;
constexpr MachineMode kNarrowModes[] = {MachineMode::kReal, MachineMode::kProtected16,
                                        MachineMode::kProtected32};
constexpr Window kMiddleOfData{kLongLayout.data + 0x800, 0x1000};

std::string HexOf(std::span<const u8> bytes) {
  std::string text;
  for (const u8 byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

}  // namespace

Batches::Batches(Parties& parties, const std::vector<Form>& forms, u64 seed, Choice choice,
                 u64 kvm_rate, std::span<FormHits> hits, Report report)
    : parties_(parties),
      forms_(forms),
      seed_(seed),
      choice_(choice),
      kvm_rate_(kvm_rate),
      hits_(hits),
      report_(std::move(report)),
      pool_(seed),
      contest_(parties) {
  for (const MachineMode mode : kNarrowModes) {
    narrow_.push_back(std::make_unique<NarrowDifferential>(mode, pool_, seed));
  }
}

void Batches::Run(u64 number) {
  number_ = number;
  completed_ = 0;
  random_ = Random(seed_ * 0x9e3779b97f4a7c15 + number);
  const u64 place = number % kCycle;
  SetLineup(number / kCycle + place);
  if (place < kFormsOfCycle) {
    const u64 turn = number / kCycle * kFormsOfCycle + place;
    const u64 index = turn * kStride % forms_.size();
    SetLineup(index + turn / forms_.size());  // each form once in as many rounds
    RunForm(index);
  } else if (place < kFormsOfCycle + kSequencesOfCycle) {
    RunSequence();
  } else if (place == kCycle - 1) {
    RunNarrow();
  } else if (const auto single = place == kCycle - 2
                                     ? MakeRandomSingle(random_, parties_.model(), choice_)
                                     : MakeUnknownSingle(random_)) {
    RunSingle(*single, FormName(CodeBits(single->mode), single->inst), nullptr);
  }
}

void Batches::SetLineup(u64 chance) {
  lineup_ = {number_, kvm_rate_ != 0 && chance % kvm_rate_ == 0};
}

void Batches::RunForm(u64 index) {
  const Form& form = forms_[index];
  if (!parties_.Has(form.mode) || NativeTreatmentOf(form.example) == Native::kNever) {
    return;
  }
  if (const auto single = MakeSingle(random_, form, parties_.model())) {
    RunSingle(*single, form.name, &hits_[index]);
  }
}

void Batches::RunSingle(const Single& single, const std::string& name, FormHits* hits) {
  current_.mode = single.mode;
  current_.code = single.code;
  sequence_ = nullptr;
  const auto make = [&](u64, Window& window) {
    CpuState state = parties_.ResetState(single.mode);
    window = FillInputs(random_, pool_, single, state, parties_);
    return state;
  };
  const u64 before = counts_.single_cases, kvm_before = counts_.kvm_cases;
  const u64 known_before = contest_.known_on_kvm();
  Repeat(name, &single.inst, make, kSingleInputs, counts_.single_cases);
  if (hits != nullptr) {
    hits->all += static_cast<u32>(counts_.single_cases - before);
    hits->completed += static_cast<u32>(completed_);
    hits->on_kvm += static_cast<u32>(counts_.kvm_cases - kvm_before);
    hits->known_on_kvm += static_cast<u32>(contest_.known_on_kvm() - known_before);
  }
}

void Batches::RunSequence() {
  CpuState first = parties_.ResetState(MachineMode::kLong);
  const Sequence sequence = MakeSequence(random_, pool_, parties_.model(), first);
  current_.mode = MachineMode::kLong;
  current_.code = Assemble(sequence);
  sequence_ = &sequence;
  const auto make = [&](u64 input, Window& window) {
    CpuState state = first;
    if (input != 0) {
      RefillData(random_, pool_, sequence, state);
    }
    window = kMiddleOfData;
    return state;
  };
  Repeat("sequence", nullptr, make, kSequenceInputs, counts_.sequence_cases);
  sequence_ = nullptr;
}

void Batches::RunNarrow() {
  NarrowDifferential& narrow = *narrow_[number_ / kCycle % narrow_.size()];
  for (u64 i = 0; i < kNarrowTrials; ++i) {
    const bool has_kvm = lineup_.has_kvm && i < kKvmInputs;
    const NarrowResult result = narrow.Run(number_ * kNarrowTrials + i, has_kvm);
    TakeNarrow(Side::kTranslator, result.translator, counts_.narrow_cases);
    if (has_kvm) {
      parties_.KvmHasRun();
      TakeNarrow(Side::kKvm, result.kvm, counts_.narrow_kvm_cases);
    }
    if (result.known_on_kvm) {
      contest_.CountKnownOnKvm(*result.known_on_kvm);
    }
  }
}

void Batches::TakeNarrow(Side side, const std::string& text, u64& equal) {
  if (text.empty()) {
    ++equal;
    return;
  }
  ++counts_.differences[static_cast<size_t>(side)];
  report_({side, false, "16- or 32-bit sequence", "", text});
}

void Batches::FillMemory() {
  pool_.Fill(random_, current_.data.data(), kDataSize);
  pool_.Fill(random_, current_.stack.data(), kStackSize);
  parties_.FillMemory(current_.data, current_.stack);
}

// Several inputs in a row, each of which finds memory as the one before left it; looked at closely
// only where something differs.
void Batches::Repeat(const std::string& name, const Inst* only, const MakeInput& make, u64 inputs,
                     u64& done) {
  const Random random = random_;
  const u64 before = done, kvm_before = counts_.kvm_cases;
  parties_.PutCode(current_.mode, current_.code, lineup_);
  contest_.Begin(only, current_.mode, current_.code);
  FillMemory();
  if (AreAllEqual(make, inputs, done)) {
    return;
  }
  const Side different = contest_.last_different();
  random_ = random;
  done = before;
  counts_.kvm_cases = kvm_before;
  completed_ = 0;
  parties_.AdmitKvm(lineup_.has_kvm);
  FillMemory();
  bool is_explained = false;
  for (u64 input = 0; input < inputs; ++input) {
    is_explained |= LookClosely(name, only, make, input);
    ++done;
    counts_.kvm_cases += parties_.has_kvm() ? 1 : 0;
  }
  if (!is_explained) {
    report_({different, false, name + " (once only)", "", Current() + "\n"});
  }
}

// Up to the first difference. KVM takes part in the first inputs.
bool Batches::AreAllEqual(const MakeInput& make, u64 inputs, u64& done) {
  const u64 base = LayoutOf(current_.mode).data_base;
  Window window;
  for (u64 input = 0; input < inputs; ++input) {
    if (input == kKvmInputs && parties_.has_kvm()) {
      if (!contest_.HasSameMemory()) {
        return false;
      }
      parties_.AdmitKvm(false);
    }
    const CpuState state = make(input, window);
    if (!contest_.IsEqual(state, window, state.gpr[kRsp] + base)) {
      return false;
    }
    if (!contest_.has_ended()) {
      return true;  // the host's memory may differ now
    }
    ++done;
    counts_.kvm_cases += parties_.has_kvm() ? 1 : 0;
    completed_ += contest_.host().exception ? 0 : 1;
  }
  return contest_.HasSameMemory();
}

// Whether something differs.
bool Batches::LookClosely(const std::string& name, const Inst* only, const MakeInput& make,
                          u64 input) {
  Window window;
  current_.state = make(input, window);
  parties_.CopyMemory(current_.data, current_.stack);
  const auto differences = contest_.Differences(current_.state);
  completed_ += contest_.host().exception ? 0 : 1;
  if (differences.empty()) {
    return false;
  }
  const Start start = current_;
  // Not where the last instruction was entered in its midst and goes on in what stands behind.
  if (!contest_.Differences(start, only, lineup_, NativeRunner::End::kHlt).empty()) {
    Explain(name, only, differences);
  }
  // Going on from what the host left.
  (void)contest_.Differences(start, only, lineup_);
  for (const Side side : parties_.sides()) {
    parties_.TakeHostMemory(side);
  }
  return true;
}

void Batches::Explain(const std::string& name, const Inst* only,
                      const std::vector<Difference>& differences) {
  const Start start = current_;
  for (const Difference& difference : differences) {
    ++(difference.is_undefined ? counts_.undefined
                               : counts_.differences[static_cast<size_t>(difference.side)]);
    const std::string key =
        fmt::format("{} {} {}", name, static_cast<int>(difference.side), difference.is_undefined);
    // Sequences differ for many reasons.
    if (only == nullptr || explained_.insert(key).second) {
      report_(Describe(difference, name, only, start));
    }
  }
}

Finding Batches::Describe(const Difference& difference, const std::string& name, const Inst* only,
                          Start start) {
  std::string text = difference.text;
  const auto still_differs = [&](const Start& changed) {
    for (const Difference& found : contest_.Differences(changed, only, lineup_)) {
      if (found.side == difference.side && found.is_undefined == difference.is_undefined) {
        text = found.text;
        return true;
      }
    }
    return false;
  };
  const bool differs_again = still_differs(start);
  if (differs_again && sequence_ != nullptr) {
    ShrinkSequence(*sequence_, start, still_differs);
  }
  if (differs_again) {
    start = ShrinkStart(start, parties_.ResetState(start.mode), still_differs);
  }
  if (!still_differs(start)) {
    return {difference.side, false, name + " (once only)", "", Current() + "\n" + text};
  }
  std::vector<std::byte> data(kDataSize), stack(kStackSize);
  parties_.CopyMemory(data, stack);
  const u64 undefined =
      only == nullptr || difference.is_undefined
          ? 0
          : UndefinedFlags({CodeBits(start.mode)}, std::as_bytes(std::span(start.code)));
  return {difference.side, difference.is_undefined, name,
          RowText(start, parties_.ResetState(start.mode), contest_.host(), data, undefined), text};
}

// Takes pieces out as long as there is a difference, and tries it at the start of the page.
void Batches::ShrinkSequence(Sequence sequence, Start& start, const StillDiffers& still_differs) {
  const auto try_it = [&](const Sequence& smaller) {
    Start changed = start;
    changed.code = Assemble(smaller);
    const bool differs = still_differs(changed);
    if (differs) {
      sequence = smaller;
      start = std::move(changed);
    }
    return differs;
  };
  Sequence moved = sequence;
  moved.offset = 0;
  (void)try_it(moved);
  for (bool is_smaller = true; is_smaller;) {
    is_smaller = false;
    for (size_t i = sequence.pieces.size(); i-- > 0;) {
      is_smaller |= try_it(Without(sequence, i));
    }
  }
}

std::string Batches::Current() const {
  return fmt::format("batch {}: {} bits, code {}", number_, CodeBits(current_.mode),
                     HexOf(current_.code));
}

}  // namespace tandem::cpu
