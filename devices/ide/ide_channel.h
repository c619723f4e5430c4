#pragma once

#include <array>
#include <memory>
#include <optional>

#include "devices/bus/device.h"
#include "devices/bus/irq.h"
#include "devices/ide/bus_master.h"
#include "devices/ide/ide_drive.h"

namespace tandem::devices {

// One IDE channel with up to two drives: the registers at its command block, control block and bus
// master ports, as three stretches of offsets.
class IdeChannel final : public Device,
                         private IdePort,
                         public std::enable_shared_from_this<IdeChannel> {
 public:
  static constexpr u64 kBusMasterOffset = 0;   // 8 ports of BAR 4
  static constexpr u64 kCommandOffset = 0x10;  // 8 ports, at 0x1f0 or 0x170
  static constexpr u64 kControlOffset = 0x20;  // 1 port, at 0x3f6 or 0x376

  // function does the DMA and outlives the channel.
  IdeChannel(const PciDevice& function, IrqLine irq) : function_(function), irq_(irq) {}

  // While the machine is built. drive 0 or 1, not taken yet. An empty disc is an empty tray.
  void AddDisk(unsigned drive, std::unique_ptr<BlockBackend> disk, std::string serial);
  void AddCdrom(unsigned drive, std::unique_ptr<BlockBackend> disc, std::string serial);

 private:
  void DoRead(u64 offset, std::span<std::byte> data) override;
  void DoWrite(u64 offset, std::span<const std::byte> data) override;
  void DoReset() override;

  void RaiseIrq() override;
  void RequestDma(IdeDrive& drive) override;
  void Submit(IdeDrive& drive, BlockRequest request, std::shared_ptr<std::vector<std::byte>> data,
              std::function<void(int)> then) override;

  IdeDrive* Selected() { return drives_[selected_].get(); }
  void WriteBusMaster(u64 offset, std::span<const std::byte> data);
  // index 1-7 in the command block.
  u8 ReadRegister(u64 index);
  void WriteRegister(u64 index, u8 value);
  void WriteCommand(u8 command);
  void WriteControl(u8 value);
  void ResetDrives();
  void UpdateIrq();

  const PciDevice& function_;
  const IrqLine irq_;
  std::array<std::unique_ptr<IdeDrive>, 2> drives_;
  BusMaster bus_master_;
  unsigned selected_ = 0;
  u8 control_ = 0;
  bool irq_pending_ = false;
};

}  // namespace tandem::devices
