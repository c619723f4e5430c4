#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "devices/chardev/char_backend.h"
#include "devices/chardev/fd_reader.h"
#include "devices/chardev/fd_writer.h"

namespace tandem::devices {

// A stream over one or two descriptors: stdio, files, FIFOs and pseudo terminals.
class FdChar final : public CharBackend {
 public:
  // Either may be invalid: no input, or output is swallowed. at_end is called when the back end
  // goes away (to restore a terminal).
  FdChar(EventLoop& loop, UniqueFd input, UniqueFd output, std::function<void()> at_end = {});
  ~FdChar() override;

  void Write(std::span<const std::byte> data) override;
  void SetReceiver(CharReceiver* receiver) override;
  void ResumeInput() override;

 private:
  UniqueFd input_;
  std::shared_ptr<FdReader> reader_;
  std::optional<FdWriter> writer_;
  std::function<void()> at_end_;
};

}  // namespace tandem::devices
