#pragma once

#include <array>
#include <initializer_list>
#include <map>

#include "cpu/exec/interpreter.h"
#include "cpu/state/model_parser.h"
#include "jit/unit/code_window.h"

namespace tandem::jit {

// Pages of code for tests, each filled with HLT until bytes are put there.
class CodeBytes final : public CodeWindow {
 public:
  void Put(i64 offset, std::initializer_list<int> bytes) {
    for (const int byte : bytes) {
      PageAt(PageOf(offset))[OffsetInPage(offset)] = static_cast<std::byte>(byte);
      ++offset;
    }
  }

  const Page* At(i64 page) override {
    const auto it = pages_.find(page);
    if (it == pages_.end()) {
      return nullptr;
    }
    Page& view = views_[page];
    view.bytes = it->second;
    view.id = static_cast<u32>(page + 8);
    return &view;
  }

 private:
  using Bytes = std::array<std::byte, kPageBytes>;

  Bytes& PageAt(i64 page) {
    const auto [it, is_new] = pages_.try_emplace(page);
    if (is_new) {
      it->second.fill(std::byte{0xf4});
    }
    return it->second;
  }

  std::map<i64, Bytes> pages_;
  std::map<i64, Page> views_;
};

inline UnitMode LongMode() {
  UnitMode mode;
  mode.based_segments = 0x30;  // FS, GS
  return mode;
}

inline const cpu::CpuModel& MaxModel() {
  static const cpu::CpuModel model =
      cpu::ParseCpuModel("max", cpu::InterpreterFeatures(), {1, 1, 1}, 1).value().model;
  return model;
}

}  // namespace tandem::jit
