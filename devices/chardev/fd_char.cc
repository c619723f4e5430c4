#include "devices/chardev/fd_char.h"

namespace tandem::devices {

FdChar::FdChar(EventLoop& loop, UniqueFd input, UniqueFd output, std::function<void()> at_end)
    : input_(std::move(input)), at_end_(std::move(at_end)) {
  if (input_.valid()) {
    reader_ = FdReader::Start(loop, input_.get(), nullptr, {});
  }
  if (output.valid()) {
    writer_.emplace(loop, output.get());
  }
}

FdChar::~FdChar() {
  if (reader_) {
    reader_->Stop();
  }
  writer_.reset();
  if (at_end_) {
    at_end_();
  }
}

void FdChar::Write(std::span<const std::byte> data) {
  if (writer_) {
    writer_->Write(data);
  }
}

void FdChar::SetReceiver(CharReceiver* receiver) {
  if (reader_) {
    reader_->SetReceiver(receiver);
  }
}

void FdChar::ResumeInput() {
  if (reader_) {
    reader_->Resume();
  }
}

}  // namespace tandem::devices
