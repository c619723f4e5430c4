#pragma once

#include <functional>
#include <memory>
#include <string>

#include "accel/lockstep/lockstep_accelerator.h"
#include "devices/bus/instruction_clock.h"

namespace tandem::accel::tests {

// A machine for guest.asm: memory, a few devices, a timer whose interrupts come with counted time,
// and one vCPU in lockstep.
class Rig {
 public:
  static constexpr u64 kStart = 0x1000;
  static constexpr u64 kRamSize = 1u << 20;

  // on_limit is the rig's own. image: of guest.asm.
  explicit Rig(LockstepOptions options = {}, const std::string& image = "guest");
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Until the guest has halted for good, the engines differ, or there are enough instructions.
  Exit Run();
  // What the guest has written to port 0xe9.
  const std::string& reports() const;
  bool has_reached_limit() const { return has_reached_limit_; }
  u64 interrupts() const;
  // Called when the first interrupt is taken.
  void OnInterrupt(std::function<void()> call);
  // Memory changes under the master's hands: no engine writes that.
  void Scribble(u64 address) { ram_->data()[address] ^= std::byte{1}; }

 private:
  class Irqs;
  class Ports;

  devices::InstructionClock clock_{3};
  devices::AddressSpace memory_, ports_;
  std::shared_ptr<devices::RamBlock> ram_ = *devices::RamBlock::Create("ram", kRamSize);
  std::shared_ptr<Ports> devices_;
  std::unique_ptr<Irqs> irqs_;
  cpu::CpuModel model_;
  std::unique_ptr<Accelerator> accelerator_;
  std::unique_ptr<Vcpu> vcpu_;
  bool has_reached_limit_ = false;
};

}  // namespace tandem::accel::tests

// doctest's CHECK takes the place of base's, so its header comes last.
#include <doctest/doctest.h>
