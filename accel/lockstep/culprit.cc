#include "accel/lockstep/culprit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/bits.h"
#include "base/check.h"
#include "devices/bus/address.h"

namespace tandem::accel::lockstep {
namespace {

using cpu::CpuState;

constexpr size_t kMostSteps = 256;
constexpr size_t kMostTogether = 64;

}  // namespace

// Stops at the first state that the replica never had.
class Search::Suspect final : public jit::Onlooker {
 public:
  Suspect(const Search& search, size_t together) : search_(search), together_(together) {}

  void Set(Vcpu& vcpu) { vcpu_ = &vcpu; }
  std::optional<Culprit> Take() { return std::move(culprit_); }

  void OnEntered(const CpuState& state) override { Look(state); }
  void OnStep(const CpuState& state) override { Look(state); }
  void OnStanding() override {}
  void OnNmi(const CpuState&) override {}
  void OnReset(const CpuState&) override {}

 private:
  void Look(const CpuState& state);
  void Accuse(const CpuState& state, std::string defect);

  const Search& search_;
  const size_t together_;
  Vcpu* vcpu_ = nullptr;
  size_t at_ = 0;  // steps of the replica's path that it has taken
  size_t looks_ = 0;
  bool has_missed_ = false;  // the last state was none of the replica's: it may have passed it by
  bool is_done_ = false;
  std::optional<Culprit> culprit_;
};

void Search::Suspect::Look(const CpuState& state) {
  if (is_done_) {
    return;
  }
  const auto& path = search_.path_;
  const size_t last = std::min(at_ + together_ + 1, path.size() - 1);
  size_t found = at_;
  while (found <= last && !IsSame(state, path[found], search_.replica_.HowStrict())) {
    ++found;
  }
  if (found > last) {
    if (at_ + together_ >= path.size()) {
      is_done_ = true;  // beyond what is known
      vcpu_->Kick();
      return;
    }
    const bool may_miss = search_.replica_.HowStrict() == Strictness::kArchitectural;
    if (!may_miss || std::exchange(has_missed_, true)) {
      Accuse(state, {});
    }
    return;
  }
  has_missed_ = false;
  at_ = found;
  if (std::string defect = search_.MemoryDefect(at_); !defect.empty()) {
    at_ -= std::min<size_t>(at_, 1);
    Accuse(state, std::move(defect));
  }
  if (at_ + 1 >= path.size() || ++looks_ > 3 * path.size()) {
    is_done_ = true;
    vcpu_->Kick();
  }
}

// The instructions in front of the last of those that are translated together are known to be good.
void Search::Suspect::Accuse(const CpuState& state, std::string defect) {
  const auto& path = search_.path_;
  const size_t index = std::min(at_ + (defect.empty() ? together_ - 1 : 0), path.size() - 2);
  culprit_ = Culprit{index, together_, path[index], state, path[index + 1], std::move(defect)};
  is_done_ = true;
  vcpu_->Kick();
}

Search::Search(World& world, Replica& replica, const cpu::CpuModel& model, const Failure& failure,
               MakeSuspect make_suspect)
    : world_(world),
      replica_(replica),
      model_(model),
      failure_(failure),
      make_suspect_(std::move(make_suspect)) {}

// Until the place where the master was when they differed.
void Search::WalkPath() {
  world_.Rewind();
  replica_.Load(failure_.agreed);
  replica_.SetTarget(failure_.master);
  path_.push_back(replica_.State());
  writes_.emplace_back();
  while (path_.size() <= kMostSteps && replica_.Step()) {
    path_.push_back(replica_.State());
    std::vector<Write>& writes = writes_.emplace_back();
    const auto& written = world_.copies().written();
    for (const RamSpan& span : written) {
      const std::byte* const start = world_.copies().block(span.ram).replica->data() + span.offset;
      writes.push_back({span, {start, start + span.length}});
    }
    if (path_.back().rip == failure_.master.rip) {
      break;
    }
    if (!world_.journal().defect().empty()) {  // what it got from the device is not what it was
      path_.pop_back();
      break;
    }
  }
  world_.Rewind();
}

std::optional<Culprit> Search::Find() {
  WalkPath();
  if (path_.size() < 2) {
    return std::nullopt;
  }
  world_.SetSuspected(true);
  std::optional<Culprit> culprit;
  for (size_t together = 1; !culprit && together <= std::min(kMostTogether, path_.size() - 1);
       ++together) {
    culprit = Try(together);
  }
  world_.SetSuspected(false);
  return culprit;
}

std::optional<Culprit> Search::Try(size_t together) {
  Suspect suspect(*this, together);
  const std::unique_ptr<Accelerator> accelerator = make_suspect_(suspect, together);
  auto made = accelerator->MakeVcpu(0, model_, world_.SuspectEnv());
  CHECK(made.ok());  // the master was made the same way
  std::unique_ptr<Vcpu> vcpu = std::move(*made);
  suspect.Set(*vcpu);
  RestoreMemory();
  world_.journal().Rewind();
  vcpu->Load(failure_.agreed);
  (void)vcpu->Run();
  vcpu.reset();
  RestoreMemory();
  return suspect.Take();
}

// The suspect works on what was agreed on; the replica has been rewound to the same.
void Search::RestoreMemory() { world_.copies().RestoreAgreed(); }

// Where the suspect's memory is not what the replica's was after so many steps.
std::string Search::MemoryDefect(size_t steps) const {
  std::map<std::pair<u32, u64>, std::byte> expected;
  for (const Write& write : writes_[steps]) {
    for (u64 i = 0; i < write.span.length; ++i) {
      expected[{write.span.ram, write.span.offset + i}] = write.bytes[i];
    }
  }
  for (const auto& [place, byte] : expected) {
    const devices::RamBlock& ram = *world_.copies().block(place.first).agreed;
    if (ram.data()[place.second] != byte) {
      return fmt::format("{} at {:#x}: {:02x} against {:02x}",
                         world_.copies().block(place.first).original->name(), place.second,
                         static_cast<u8>(ram.data()[place.second]), static_cast<u8>(byte));
    }
  }
  return {};
}

}  // namespace tandem::accel::lockstep
