#pragma once

#include "devices/chardev/char_backend.h"

namespace tandem::devices {

// Swallows output and never has input.
class NullChar final : public CharBackend {
 public:
  void Write(std::span<const std::byte>) override {}
  void SetReceiver(CharReceiver*) override {}
  void ResumeInput() override {}
};

}  // namespace tandem::devices
