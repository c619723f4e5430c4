#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ints.h"
#include "devices/bus/flat_view.h"

namespace tandem::accel::lockstep {

// What a vCPU exchanged with the world around it, or the world did to memory.
enum class EventKind : u8 {
  kRead,  // of a device: value is the answer
  kWrite,
  kApicRead,  // offset: of the register
  kApicWrite,
  kApicMsrRead,  // offset: number of the MSR; value kNoValue: the access faults
  kApicMsrWrite,
  kPriorityRead,
  kPriorityWrite,
  kTime,
  kData,  // a device wrote to memory: data at offset of the RAM with number `target`
  kView,  // the memory map became view; target: of ports (1) or memory (0)
};

inline constexpr u64 kNoValue = ~u64{0};  // no MSR of a local APIC has it

struct Event {
  EventKind kind{};
  u8 size = 0;
  u32 target = 0;  // number of the device or RAM
  u64 offset = 0;
  u64 value = 0;
  std::vector<std::byte> data{};
  std::shared_ptr<const devices::FlatView> view{};
};

// What happened to the master since both engines agreed, in its order, and how far the replica has
// come in doing the same. One thread. but for IsOpen.
class Journal {
 public:
  // What happens to memory without the vCPU's doing: applied where the replica comes to it.
  using Apply = std::function<void(const Event&)>;

  // While it is closed nothing is written down, and the replica sees the world itself.
  bool IsOpen() const { return is_open_; }
  void Open() { is_open_ = true; }
  void Close() { is_open_ = false; }

  void Record(Event event) { events_.push_back(std::move(event)); }
  // The replica does what `wanted` says; the answer is the master's value. Nothing and a defect:
  // the master did something else.
  std::optional<u64> Replay(const Event& wanted);
  // Whether that is what the master did next.
  bool IsNext(const Event& wanted);
  void SetApply(Apply apply) { apply_ = std::move(apply); }
  // Applies what stands before the next thing that the vCPU does.
  void ApplyPassive();

  // Whether the replica has done all that the master did.
  bool IsExhausted() const { return at_ == events_.size(); }
  // Why the replica cannot go on; empty: it can.
  const std::string& defect() const { return defect_; }
  // What the master did next, in words.
  std::string Next() const;
  // The engines agree: what happened until now will not be asked for again.
  void Settle();
  // Once more from the place where they agreed.
  void Rewind();

 private:
  std::atomic<bool> is_open_{false};
  std::vector<Event> events_;
  size_t at_ = 0;
  std::string defect_;
  Apply apply_;
};

// "write of 2 to device 5 at 0x1: 0x20".
std::string EventText(const Event& event);

}  // namespace tandem::accel::lockstep
