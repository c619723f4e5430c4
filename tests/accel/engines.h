#pragma once

#include <memory>
#include <string>

#include "accel/api/accelerator.h"

namespace tandem::accel::tests {

// What a test case of the conformance suite runs on.
enum class Engine : u8 { kInterpreter, kTranslator, kKvm, kKvmSplit, kKvmOff };

// Whether the host has a KVM that works; if not, says once why test cases are skipped.
bool HasKvm();

bool IsKvm(Engine engine);
// Fails the test if there is none.
std::unique_ptr<Accelerator> MakeAccelerator(Engine engine, bool has_fallback = true);

}  // namespace tandem::accel::tests

// doctest's CHECK takes the place of base's, so its header comes last.
#include <doctest/doctest.h>

// A test case for each engine: ENGINE_TEST("name") { ... engine ... }
#define ENGINE_TEST_NAMED(function, name)                                                      \
  static void function([[maybe_unused]] Engine engine);                                        \
  TEST_CASE("interpreter: " name) { function(Engine::kInterpreter); }                          \
  TEST_CASE("translator: " name) { function(Engine::kTranslator); }                            \
  TEST_CASE("kvm: " name* doctest::skip(!HasKvm())) { function(Engine::kKvm); }                \
  TEST_CASE("kvm, split irqchip: " name* doctest::skip(!HasKvm())) {                           \
    function(Engine::kKvmSplit);                                                               \
  }                                                                                            \
  TEST_CASE("kvm, no irqchip: " name* doctest::skip(!HasKvm())) { function(Engine::kKvmOff); } \
  static void function([[maybe_unused]] Engine engine)
#define ENGINE_TEST_AT(line, name) ENGINE_TEST_NAMED(RunAtLine##line, name)
#define ENGINE_TEST_AT_LINE(line, name) ENGINE_TEST_AT(line, name)
#define ENGINE_TEST(name) ENGINE_TEST_AT_LINE(__LINE__, name)
