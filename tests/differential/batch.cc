#include "tests/differential/batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "cpu/decode/facts.h"
#include "tests/differential/row_text.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {
namespace {

constexpr u64 kSingleInputs = 16, kSequenceInputs = 8, kNarrowTrials = 4;
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
                 std::span<FormHits> hits, Report report)
    : parties_(parties),
      forms_(forms),
      seed_(seed),
      choice_(choice),
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
  if (place < kFormsOfCycle) {
    RunForm((number / kCycle * kFormsOfCycle + place) * kStride % forms_.size());
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
  const u64 before = counts_.single_cases;
  Repeat(name, &single.inst, make, kSingleInputs, counts_.single_cases);
  if (hits != nullptr) {
    hits->all += static_cast<u32>(counts_.single_cases - before);
    hits->completed += static_cast<u32>(completed_);
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
    const std::string text = narrow.Run(number_ * kNarrowTrials + i);
    if (text.empty()) {
      ++counts_.narrow_cases;
    } else {
      ++counts_.differences;
      report_({Side::kTranslator, false, "16- or 32-bit sequence", "", text});
    }
  }
}

void Batches::FillMemory() {
  pool_.Fill(random_, current_.data.data(), kDataSize);
  pool_.Fill(random_, current_.stack.data(), kStackSize);
  parties_.FillMemory(current_.data, current_.stack);
}

// Several inputs in a row, each of which finds memory as the one before left it; looked at closely
// only where something differs.
void Batches::Repeat(const std::string& name, const Inst* only,
                     const std::function<CpuState(u64, Window&)>& make, u64 inputs, u64& done) {
  const u64 base = LayoutOf(current_.mode).data_base;
  const Random random = random_;
  parties_.PutCode(current_.mode, current_.code, number_);
  contest_.Begin(only, {CodeBits(current_.mode)}, current_.code);
  FillMemory();
  bool is_equal = true;
  Window window;
  const u64 before = done;
  for (u64 input = 0; input < inputs && is_equal; ++input) {
    const CpuState state = make(input, window);
    is_equal = contest_.IsEqual(state, window, state.gpr[kRsp] + base);
    done += is_equal && contest_.has_ended() ? 1 : 0;
    completed_ += is_equal && !contest_.host().exception ? 1 : 0;
    if (!contest_.has_ended()) {
      return;  // the host's memory may differ now
    }
  }
  if (is_equal && parties_.HasSameMemory(false) && parties_.HasSameMemory(true)) {
    return;
  }
  random_ = random;
  FillMemory();
  bool is_explained = false;
  done = before;
  completed_ = 0;
  for (u64 input = 0; input < inputs; ++input) {
    current_.state = make(input, window);
    parties_.CopyMemory(current_.data, current_.stack);
    const auto differences = contest_.Differences(current_.state);
    completed_ += contest_.host().exception ? 0 : 1;
    if (!differences.empty()) {
      const Start start = current_;
      // Not where the last instruction was entered in its midst and goes on in what stands behind.
      if (!contest_.Differences(start, only, number_, NativeRunner::End::kHlt).empty()) {
        Explain(name, only, differences);
      }
      is_explained = true;
      // Going on from what the host left.
      (void)contest_.Differences(start, only, number_);
      parties_.TakeHostMemory(false);
      parties_.TakeHostMemory(true);
    }
    ++done;
  }
  if (!is_explained) {
    report_({Side::kTranslator, false, name + " (once only)", "", Current() + "\n"});
  }
}

void Batches::Explain(const std::string& name, const Inst* only,
                      const std::vector<Difference>& differences) {
  const Start start = current_;
  for (const Difference& difference : differences) {
    ++(difference.is_undefined ? counts_.undefined : counts_.differences);
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
    for (const Difference& found : contest_.Differences(changed, only, number_)) {
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
