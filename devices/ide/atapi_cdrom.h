#pragma once

#include <array>
#include <string>

#include "devices/ide/ide_drive.h"

namespace tandem::devices {

// A CD/DVD-ROM drive behind the ATAPI packet protocol (ATA/ATAPI-6, 9.8; MMC-4). Without a backend
// the drive is empty.
class AtapiCdrom final : public IdeDrive {
 public:
  AtapiCdrom(IdePort& port, std::unique_ptr<BlockBackend> disc, std::string serial);

 private:
  static constexpr size_t kPacketSize = 12;
  static constexpr u64 kBlockSize = 2048;
  struct Sense {
    u8 key = 0;
    u8 code = 0;
  };

  void Execute(u8 command) override;
  void ShowSignature() override;
  void OnReset() override {}
  void OnBlockOffered(size_t bytes) override;
  void OnPioInDone() override;
  void OnPioOutBlock() override;
  void OnDmaInDone() override { EndPacket(); }
  void OnDmaOutDone() override { EndPacket(); }

  void StartPacket();
  void ExecutePacket();
  bool ExecuteMediumPacket(u8 operation);
  bool ExecuteDrivePacket(u8 operation);
  // Sends reply, cut at allocation bytes.
  void Reply(const std::vector<std::byte>& reply, size_t allocation);
  void SendBuffer(size_t bytes);
  void EndPacket();
  void FailPacket(Sense sense);
  void RequestSense();
  void Inquiry();
  void ModeSense();
  void ReadBlocks(u64 block, u64 count);
  void ReadCapacity();
  void ReadToc();
  void ReadDiscInformation();
  void GetConfiguration();
  void GetEventStatus();
  void MechanismStatus();

  u64 Blocks() const { return blocks_; }
  u32 Packet32(size_t at) const;
  u16 Packet16(size_t at) const;

  const std::string serial_;
  const bool has_disc_;
  const u64 blocks_;
  std::array<u8, kPacketSize> packet_{};
  Sense sense_;
  bool uses_dma_ = false;
  size_t byte_limit_ = 0;
  u8 transfer_mode_ = 0;
};

}  // namespace tandem::devices
