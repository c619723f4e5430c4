#include "accel/lockstep/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "accel/lockstep/ram_window.h"
#include "base/bits.h"

namespace tandem::accel::lockstep {
namespace {

using devices::FlatRange;
using devices::FlatView;

constexpr u32 kMemory = 0, kPorts = 1;
constexpr u64 kAccessedBit = 1u << 5;

u64 EntryAt(const devices::RamBlock& ram, const RamSpan& span) {
  u64 value = 0;
  std::memcpy(&value, ram.data() + span.offset, span.length);
  return value;
}

std::string BytesText(const devices::RamBlock& ram, const RamSpan& span) {
  std::string text;
  for (u64 i = 0; i < std::min<u64>(span.length, 16); ++i) {
    text += fmt::format(" {:02x}", static_cast<u8>(ram.data()[span.offset + i]));
  }
  return text;
}

}  // namespace

// Follows an address space of the machine.
class World::Follower final : public devices::TopologyListener {
 public:
  Follower(World& world, u32 space, devices::AddressSpace& original)
      : world_(world), space_(space), original_(original) {
    original_.Listen(*this);
  }
  ~Follower() override { original_.Unlisten(*this); }

  void OnViewChanged(const std::shared_ptr<const FlatView>& view) override {
    world_.OnViewChanged(space_, view);
  }
  void OnDirtyLogChanged() override { world_.master_[space_]->space().NotifyDirtyLogChanged(); }
  void OnDirtyLogWanted() override {}
  void OnDoorbellsChanged() override {}  // recorded writes reach the devices, and ring there

 private:
  World& world_;
  const u32 space_;
  devices::AddressSpace& original_;
};

World::World(const VcpuEnv& env, bool is_stepped, std::function<void(u8)> on_vector)
    : env_(env),
      is_stepped_(is_stepped),
      copies_(/*logs_writes=*/!is_stepped),
      recording_clock_(journal_, env.clock),
      replaying_clock_(journal_),
      recording_irqs_(journal_, env.irqs, is_stepped, std::move(on_vector)),
      replaying_irqs_(journal_, env.irqs, is_stepped) {
  for (const u32 space : {kMemory, kPorts}) {
    master_[space] = MakeMirror(space, true, false);
    replica_[space] = MakeMirror(space, false, false);
    suspect_[space] = MakeMirror(space, false, true);
    followers_[space] =
        std::make_unique<Follower>(*this, space, space == kMemory ? env.memory : env.ports);
  }
  journal_.SetApply([this](const Event& event) { Apply(event); });
}

World::~World() {
  followers_ = {};
  for (const std::shared_ptr<devices::RamBlock>& ram : watched_) {
    ram->SetWriteObserver(nullptr);
  }
}

VcpuEnv World::MasterEnv() {
  devices::Clock& clock = is_stepped_ ? env_.clock : recording_clock_;
  return {master_[kMemory]->space(), master_[kPorts]->space(), recording_irqs_, clock};
}

VcpuEnv World::ReplicaEnv() {
  devices::Clock& clock = is_stepped_ ? env_.clock : replaying_clock_;
  return {replica_[kMemory]->space(), replica_[kPorts]->space(), replaying_irqs_, clock};
}

VcpuEnv World::SuspectEnv() {
  devices::Clock& clock = is_stepped_ ? env_.clock : replaying_clock_;
  return {suspect_[kMemory]->space(), suspect_[kPorts]->space(), replaying_irqs_, clock};
}

// Main memory and ROM are. Other memory may be written to by the device that it belongs to: its
// accesses are replayed like those of devices.
bool World::IsCopied(u32 space, const FlatRange& range) const {
  const FlatRange* const first = env_.memory.View()->Find(Gpa(0));
  return space == kMemory && range.ram &&
         (!range.writable || (first != nullptr && range.ram == first->ram));
}

u32 World::NumberOf(const FlatRange& range) {
  return numbers_.try_emplace(KeyOf(range), static_cast<u32>(numbers_.size())).first->second;
}

std::unique_ptr<Mirror> World::MakeMirror(u32 space, bool is_master, bool is_suspect) {
  const auto ram_for = [=, this](const FlatRange& range) -> std::shared_ptr<devices::RamBlock> {
    if (!IsCopied(space, range)) {
      return nullptr;
    }
    const RamCopies::Block& block = copies_.Of(range.ram);
    return is_master ? block.original : is_suspect ? block.agreed : block.replica;
  };
  const auto device_for = [=, this](const FlatRange& range) -> std::shared_ptr<devices::Device> {
    const u32 number = NumberOf(range);
    if (!is_master) {
      return std::make_shared<ReplayingDevice>(journal_, number);
    }
    std::shared_ptr<devices::Device> device = range.device;
    if (range.ram) {
      device = std::make_shared<RamWindow>(range.ram);
    }
    return std::make_shared<RecordingDevice>(journal_, number, std::move(device),
                                             [this] { RecordPutOff(); });
  };
  return std::make_unique<Mirror>(ram_for, device_for);
}

// The master sees it at once, the replica when it comes there.
void World::OnViewChanged(u32 space, const std::shared_ptr<const FlatView>& view) {
  master_[space]->Show(view);
  if (space == kMemory) {
    Watch(*view);
  }
  if (!PutOff({.kind = EventKind::kView, .target = space, .view = view})) {
    replica_[space]->Show(view);
    suspect_[space]->Show(view);
    agreed_views_[space] = shown_views_[space] = view;
  }
}

void World::Watch(const FlatView& view) {
  for (const FlatRange& range : view.ranges()) {
    if (IsCopied(kMemory, range) && watched_.insert(range.ram).second) {
      range.ram->SetWriteObserver(this);
      copies_.Of(range.ram).replica->SetWriteObserver(this);
    }
  }
}

bool World::TakesDeviceWrite(devices::RamBlock& ram, u64 offset, std::span<const std::byte> data) {
  return PutOff({.kind = EventKind::kData,
                 .target = copies_.NumberOf(ram),
                 .offset = offset,
                 .data = {data.begin(), data.end()}});
}

void World::OnTableBits(devices::RamBlock& ram, u64 offset, u32 entry_size) {
  if (journal_.IsOpen()) {
    table_entries_.push_back({copies_.NumberOf(ram), offset, entry_size});
  }
}

// False: nobody runs who would see to it.
bool World::PutOff(Event event) {
  MutexLock lock(mu_);
  if (!journal_.IsOpen()) {
    return false;
  }
  put_off_.push_back(std::move(event));
  has_put_off_.store(true, std::memory_order_release);
  return true;
}

std::vector<Event> World::TakePutOff() {
  MutexLock lock(mu_);
  has_put_off_.store(false, std::memory_order_relaxed);
  return std::exchange(put_off_, {});
}

// The master stands between two accesses to devices, or at the end of one: it sees what it may from
// now on, and the replica at the same place.
void World::RecordPutOff() {
  if (!has_put_off_.load(std::memory_order_acquire)) {
    return;
  }
  for (Event& event : TakePutOff()) {
    WriteToMaster(event);
    journal_.Record(std::move(event));
  }
}

void World::WriteToMaster(const Event& event) {
  if (event.kind == EventKind::kData) {
    devices::RamBlock& ram = *copies_.block(event.target).original;
    std::memcpy(ram.data() + event.offset, event.data.data(), event.data.size());
    ram.MarkDirty(event.offset, event.data.size());
  }
}

void World::Apply(const Event& event) {
  if (event.kind == EventKind::kView) {
    (is_suspected_ ? suspect_ : replica_)[event.target]->Show(event.view);
    if (!is_suspected_) {
      shown_views_[event.target] = event.view;
      has_new_view_ = true;
    }
    return;
  }
  const RamCopies::Block& block = copies_.block(event.target);
  devices::RamBlock& ram = is_suspected_ ? *block.agreed : *block.replica;
  std::memcpy(ram.data() + event.offset, event.data.data(), event.data.size());
  ram.MarkDirty(event.offset, event.data.size());
}

void World::SetSuspected(bool is_suspected) { is_suspected_ = is_suspected; }

void World::Close() {
  {
    MutexLock lock(mu_);
    journal_.Close();
  }
  for (const Event& event : TakePutOff()) {
    WriteToMaster(event);
    if (event.kind == EventKind::kView) {
      OnViewChanged(event.target, event.view);
    }
  }
}

void World::Open() {
  copies_.TakeAll();
  table_entries_.clear();
  journal_.Settle();
  journal_.Rewind();
  journal_.Open();
}

// What came meanwhile happens here, to both.
void World::Settle() {
  journal_.Settle();
  copies_.Settle();
  table_entries_.clear();
  if (has_put_off_.load(std::memory_order_acquire)) [[unlikely]] {
    RecordPutOff();
    journal_.ApplyPassive();
    journal_.Settle();
    copies_.Settle();
  }
  if (has_new_view_) [[unlikely]] {
    has_new_view_ = false;
    agreed_views_ = shown_views_;
  }
}

void World::Rewind() {
  copies_.Rewind();
  journal_.Rewind();
  for (const u32 space : {kMemory, kPorts}) {
    replica_[space]->Show(agreed_views_[space]);
    suspect_[space]->Show(agreed_views_[space]);
  }
}

// Engines walk the tables at different moments, and look ahead in code.
void World::AdoptAccessedBits() {
  for (const RamSpan& span : table_entries_) {
    const RamCopies::Block& block = copies_.block(span.ram);
    if ((EntryAt(*block.original, span) ^ EntryAt(*block.replica, span)) == kAccessedBit) {
      copies_.Take(span);
    }
  }
}

std::optional<RamSpan> World::FindDifference(bool anywhere) {
  AdoptAccessedBits();
  return anywhere ? copies_.FindDifferenceAnywhere() : copies_.FindDifference();
}

std::string World::DifferenceText(const RamSpan& span) const {
  const RamCopies::Block& block = copies_.block(span.ram);
  return fmt::format("{} at {:#x}:{} against{}", block.original->name(), span.offset,
                     BytesText(*block.original, span), BytesText(*block.replica, span));
}

}  // namespace tandem::accel::lockstep
