#include "tests/differential/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cpu/decode/facts.h"
#include "tests/differential/treatment.h"

namespace tandem::cpu {

Coverage::Coverage(const std::vector<Form>& forms, std::span<const FormHits> hits,
                   const std::map<std::string, u64>& before)
    : forms_(forms) {
  for (size_t i = 0; i < forms.size(); ++i) {
    const auto earlier = before.find(forms[i].name);
    cases_.push_back(hits[i].all + (earlier == before.end() ? 0 : earlier->second));
    completed_.push_back(hits[i].completed);
    on_kvm_.push_back(hits[i].on_kvm);
    known_on_kvm_.push_back(hits[i].known_on_kvm);
  }
}

bool Coverage::IsForHost(size_t form) const {
  return NativeTreatmentOf(forms_[form].example) != Native::kNever;
}

std::vector<std::string> Coverage::NeverHit() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < forms_.size(); ++i) {
    if (cases_[i] == 0 && IsForHost(i)) {
      names.push_back(forms_[i].name);
    }
  }
  return names;
}

std::vector<std::string> Coverage::NeverCompleted() const {
  std::map<std::string, bool> has_completed;
  for (size_t i = 0; i < forms_.size(); ++i) {
    if (cases_[i] != 0) {
      has_completed[std::string(MnemonicName(forms_[i].example.mnemonic))] |= completed_[i] != 0;
    }
  }
  std::vector<std::string> names;
  for (const auto& [name, has] : has_completed) {
    if (!has) {
      names.push_back(name);
    }
  }
  return names;
}

std::string Coverage::Summary() const {
  std::set<u16> mnemonics, hit_mnemonics;
  size_t forms = 0, hit_forms = 0;
  for (size_t i = 0; i < forms_.size(); ++i) {
    if (IsForHost(i)) {
      ++forms;
      mnemonics.insert(forms_[i].example.mnemonic);
      if (cases_[i] != 0) {
        ++hit_forms;
        hit_mnemonics.insert(forms_[i].example.mnemonic);
      }
    }
  }
  return fmt::format("{} of {} forms, {} of {} mnemonics", hit_forms, forms, hit_mnemonics.size(),
                     mnemonics.size());
}

std::string Coverage::KvmSummary() const {
  const auto hit = std::ranges::count_if(on_kvm_, [](u64 cases) { return cases != 0; });
  return fmt::format("{} forms", hit);
}

std::vector<std::string> Coverage::NotForHost() const {
  std::map<std::string, std::set<std::string>> by_reason;
  for (size_t i = 0; i < forms_.size(); ++i) {
    if (!IsForHost(i)) {
      by_reason[ReasonOf(forms_[i].example)].emplace(MnemonicName(forms_[i].example.mnemonic));
    }
  }
  std::vector<std::string> lines;
  for (const auto& [reason, mnemonics] : by_reason) {
    lines.push_back(fmt::format("{}: {}", reason, fmt::join(mnemonics, " ")));
  }
  return lines;
}

std::string Coverage::Listing() const {
  std::string text;
  for (size_t i = 0; i < forms_.size(); ++i) {
    const char* const reason = ReasonOf(forms_[i].example);
    text += fmt::format("{:8} {:8} {:8} {}{}{}\n", cases_[i], completed_[i], on_kvm_[i],
                        forms_[i].name, *reason == '\0' ? "" : " # ", reason);
  }
  return text;
}

}  // namespace tandem::cpu
