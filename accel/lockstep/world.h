#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "accel/api/accelerator.h"
#include "accel/lockstep/journal.h"
#include "accel/lockstep/mirror.h"
#include "accel/lockstep/ram_copies.h"
#include "accel/lockstep/recorder.h"
#include "accel/lockstep/replayer.h"

namespace tandem::accel::lockstep {

// The machine as the engines see it: the master with a recorder in between, the replica and a
// suspect (Culprit) by what was recorded, each with memory of its own. What others do to memory
// while the master runs is put off until the master comes to a place where the replica can follow.
class World final : private devices::WriteObserver {
 public:
  // is_stepped: the replica is another accelerator's, which has time and memory of its own making.
  // on_vector: the master takes an interrupt. The environment outlives the world.
  World(const VcpuEnv& env, bool is_stepped, std::function<void(u8)> on_vector);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  VcpuEnv MasterEnv();
  VcpuEnv ReplicaEnv();
  VcpuEnv SuspectEnv();

  Journal& journal() { return journal_; }
  RamCopies& copies() { return copies_; }

  // All memory is taken over, and from now on the master's doings are written down. The vCPU's
  // thread.
  void Open();
  // The machine stands still, or the engines have parted.
  void Close();
  // The engines agree.
  void Settle();
  // Replica and suspect go back to where they did.
  void Rewind();
  // Which memory what is put off goes to from now on: the suspect's instead of the replica's.
  void SetSuspected(bool is_suspected);

  // The first byte in which memory differs, where the replica has written and, if asked for,
  // anywhere.
  std::optional<RamSpan> FindDifference(bool anywhere);
  // "pc.ram at 0x1234: 00 11 ... against 00 12 ...".
  std::string DifferenceText(const RamSpan& span) const;

 private:
  class Follower;

  bool TakesDeviceWrite(devices::RamBlock& ram, u64 offset,
                        std::span<const std::byte> data) override;
  void OnTableBits(devices::RamBlock& ram, u64 offset, u32 entry_size) override;

  std::unique_ptr<Mirror> MakeMirror(u32 space, bool is_master, bool is_suspect);
  u32 NumberOf(const devices::FlatRange& range);
  bool IsCopied(u32 space, const devices::FlatRange& range) const;
  void OnViewChanged(u32 space, const std::shared_ptr<const devices::FlatView>& view);
  void Watch(const devices::FlatView& view);
  bool PutOff(Event event);
  void RecordPutOff();
  void Apply(const Event& event);
  void AdoptAccessedBits();
  std::vector<Event> TakePutOff();
  void WriteToMaster(const Event& data);

  const VcpuEnv env_;
  const bool is_stepped_;
  Journal journal_;
  RamCopies copies_;
  std::map<const void*, u32> numbers_;  // of devices
  RecordingClock recording_clock_;
  ReplayingClock replaying_clock_;
  RecordingIrqs recording_irqs_;
  ReplayingIrqs replaying_irqs_;
  // By space: memory, ports.
  std::array<std::unique_ptr<Mirror>, 2> master_, replica_, suspect_;
  std::array<std::shared_ptr<const devices::FlatView>, 2> agreed_views_,
      shown_views_;  // by the replica
  bool has_new_view_ = false;
  std::set<std::shared_ptr<devices::RamBlock>> watched_;  // the machine's, that tell of writes
  std::array<std::unique_ptr<Follower>, 2> followers_;
  bool is_suspected_ = false;

  Mutex mu_{LockRank::kLeaf};  // guards put_off_; the journal is closed under it
  std::vector<Event> put_off_;
  std::atomic<bool> has_put_off_{false};
  std::vector<RamSpan> table_entries_;  // whose bits a page walk of either engine has set
};

}  // namespace tandem::accel::lockstep
