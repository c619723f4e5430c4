#pragma once

#include <memory>

#include "devices/chardev/char_backend.h"
#include "devices/chardev/fd_writer.h"

namespace tandem::devices {

// Another back end with a copy of its output in a file (logfile=).
class LoggedChar final : public CharBackend {
 public:
  LoggedChar(EventLoop& loop, std::unique_ptr<CharBackend> backend, UniqueFd log)
      : backend_(std::move(backend)), log_(loop, log.get()) {}

  void Write(std::span<const std::byte> data) override {
    log_.Write(data);
    backend_->Write(data);
  }
  void SetReceiver(CharReceiver* receiver) override { backend_->SetReceiver(receiver); }
  void ResumeInput() override { backend_->ResumeInput(); }

 private:
  std::unique_ptr<CharBackend> backend_;
  FdWriter log_;
};

}  // namespace tandem::devices
