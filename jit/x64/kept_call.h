#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <type_traits>

namespace tandem::jit {

// A callable that is called later, kept in place: it is copied like plain data.
class KeptCall {
 public:
  template <typename Callable>
  explicit KeptCall(const Callable& callable) : call_(&CallAs<Callable>) {
    static_assert(std::is_trivially_copyable_v<Callable> && sizeof(Callable) <= kSize);
    new (kept_.data()) Callable(callable);
  }

  void operator()() const { call_(kept_.data()); }

 private:
  static constexpr std::size_t kSize = 80;

  template <typename Callable>
  static void CallAs(const std::byte* kept) {
    (*std::launder(reinterpret_cast<const Callable*>(kept)))();
  }

  void (*call_)(const std::byte*);
  alignas(std::max_align_t) std::array<std::byte, kSize> kept_;
};

}  // namespace tandem::jit
