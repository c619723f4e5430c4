#pragma once

#include <optional>
#include <string>

#include "devices/ide/ide_drive.h"

namespace tandem::devices {

// An ATA hard disk with the commands of ATA/ATAPI-6 that BIOSes and operating systems use.
class AtaDisk final : public IdeDrive {
 public:
  AtaDisk(IdePort& port, std::unique_ptr<BlockBackend> backend, std::string serial);

 private:
  struct Extent {
    u64 lba;
    u32 sectors;
  };

  void Execute(u8 command) override;
  void ShowSignature() override;
  void OnReset() override;
  void OnBlockOffered(size_t) override {}
  void OnPioInDone() override {}
  void OnPioOutBlock() override;
  void OnDmaInDone() override { Complete(); }
  void OnDmaOutDone() override;

  std::optional<Extent> TakeExtent(bool is_ext);
  std::optional<u64> Address(bool is_ext) const;
  void Read(bool is_ext, bool dma, u32 block_sectors);
  void Write(bool is_ext, bool dma, u32 block_sectors);
  void Verify(bool is_ext);
  void Flush();
  void Identify();
  void SetFeatures();
  void SetMultiple();
  void InitializeParameters();
  void ReadNativeMax(bool is_ext);
  void DataSetManagement();
  void Trim(size_t at);
  bool ExecuteTransfer(u8 command);
  bool ExecuteSettings(u8 command);
  std::function<void(int)> EndOrError();

  const std::string serial_;
  const u64 sectors_;
  u16 heads_ = 16;
  u16 sectors_per_track_ = 63;
  u8 multiple_ = 0;
  u8 transfer_mode_ = 0;
  u64 write_lba_ = 0;
  bool is_trim_ = false;
};

}  // namespace tandem::devices
