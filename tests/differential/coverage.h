#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/differential/batch.h"

namespace tandem::cpu {

// How often the forms were hit, for people.
class Coverage {
 public:
  // before: cases of earlier runs, by name.
  Coverage(const std::vector<Form>& forms, std::span<const FormHits> hits,
           const std::map<std::string, u64>& before);

  u64 CasesOf(size_t form) const { return cases_[form]; }
  bool WasHit(size_t form, Side side) const {
    return (side == Side::kKvm ? on_kvm_ : cases_)[form] != 0;
  }
  // Forms that the host can run and that no case was of.
  std::vector<std::string> NeverHit() const;
  // Mnemonics of which no case of this run was without an exception.
  std::vector<std::string> NeverCompleted() const;
  // Whether a case of this run differed on KVM as is known.
  bool IsKnownOnKvm(size_t form) const { return known_on_kvm_[form] != 0; }
  // "12 of 13 forms, 5 of 6 mnemonics".
  std::string Summary() const;
  // "9 forms", of this run.
  std::string KvmSummary() const;
  // Those that the host cannot run, by reason: "REASON: mnemonics".
  std::vector<std::string> NotForHost() const;
  // A line a form: cases, those without an exception and those on KVM (of this run), and name.
  std::string Listing() const;

 private:
  bool IsForHost(size_t form) const;

  const std::vector<Form>& forms_;
  std::vector<u64> cases_, completed_, on_kvm_, known_on_kvm_;
};

}  // namespace tandem::cpu
