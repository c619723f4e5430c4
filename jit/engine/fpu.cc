#include <cstring>

#include "jit/engine/engine.h"

// The guest's x87 state in the host's unit. Vector state is moved by emitted code instead: C++ uses
// those registers.
namespace tandem::jit {
namespace {

constexpr size_t kX87Start = 32;  // ST0 in the image; control words lie in the first 24 bytes
constexpr size_t kX87End = 160;
constexpr size_t kControlEnd = 24;

void CopyX87(cpu::FxImage& to, const cpu::FxImage& from) {
  u8* const target = reinterpret_cast<u8*>(&to);
  const u8* const source = reinterpret_cast<const u8*>(&from);
  std::memcpy(target, source, kControlEnd);
  std::memcpy(target + kX87Start, source + kX87Start, kX87End - kX87Start);
}

}  // namespace

// The state is whole until what the unit had is given back.
std::optional<cpu::FxImage> Engine::BorrowX87() {
  if (!x87_loaded_) {
    return std::nullopt;
  }
  std::optional<cpu::FxImage> image(std::in_place);
  asm volatile("fxsave64 %0\n\tfninit" : "=m"(*image));
  MendX87Pointers(*image);
  CopyX87(state_.fx, *image);
  return image;
}

void Engine::GiveX87Back(const std::optional<cpu::FxImage>& image) {
  if (image) {
    asm volatile("fxrstor64 %0" ::"m"(*image));
  }
}

void Engine::LoadX87() {
  cpu::FxImage image;
  asm volatile("fxsave64 %0" : "=m"(image));  // MXCSR and XMM stay as they are
  CopyX87(image, state_.fx);
  asm volatile("fxrstor64 %0" ::"m"(image));
  x87_loaded_ = true;
  mode_is_old_ = true;
  ResetShadowStack();
}

void Engine::UnloadX87() {
  if (!x87_loaded_) {
    return;
  }
  cpu::FxImage image;
  asm volatile("fxsave64 %0\n\tfninit" : "=m"(image));
  MendX87Pointers(image);
  CopyX87(state_.fx, image);
  x87_loaded_ = false;
  mode_is_old_ = true;
  ResetShadowStack();
}

}  // namespace tandem::jit
