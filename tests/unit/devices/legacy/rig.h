#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "devices/bus/device.h"
#include "devices/bus/instruction_clock.h"
#include "devices/bus/irq.h"
#include "devices/chardev/char_backend.h"

namespace tandem::devices {

// Remembers levels and counts rising edges.
class FakeIrqChip final : public IrqChip {
 public:
  std::map<Gsi, bool> lines;
  std::map<Gsi, int> rises;

  void SetLine(Gsi gsi, bool level) override {
    rises[gsi] += level && !lines[gsi];
    lines[gsi] = level;
  }
  void SendMsi(MsiMessage) override {}
  std::optional<u8> TakeVector(VcpuId) override { return std::nullopt; }
  bool HasVector(VcpuId) const override { return false; }
  LocalApic* Apic(VcpuId) override { return nullptr; }
  void Reset() override {}
};

// What was written, and a way to type.
class FakeChar final : public CharBackend {
 public:
  std::string written;
  CharReceiver* receiver = nullptr;
  int resumes = 0;

  void Write(std::span<const std::byte> data) override {
    written.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  void SetReceiver(CharReceiver* to) override { receiver = to; }
  void ResumeInput() override { ++resumes; }
  size_t Type(std::string_view text) {
    const size_t count = std::min(text.size(), receiver->CanReceive());
    receiver->Receive(std::as_bytes(std::span(text.data(), count)));
    return count;
  }
};

inline void Out(Device& device, u64 offset, u64 value, size_t size = 1) {
  std::array<std::byte, 8> data{};
  SetAccessValue(data, value);
  device.Write(offset, std::span<const std::byte>(data).first(size));
}

inline u64 In(Device& device, u64 offset, size_t size = 1) {
  std::array<std::byte, 8> data{};
  device.Read(offset, std::span(data).first(size));
  return AccessValue(std::span<const std::byte>(data).first(size));
}

}  // namespace tandem::devices
