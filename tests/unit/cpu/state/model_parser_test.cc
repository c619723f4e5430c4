#include "cpu/state/model_parser.h"

#include <doctest/doctest.h>

#include "cpu/state/registers.h"

namespace tandem::cpu {
namespace {

FeatureSet Everything() { return FeatureSet().set(); }

Result<ParsedCpuModel> Parse(std::string_view spec, FeatureSet engine = Everything()) {
  return ParseCpuModel(spec, engine, {1, 1, 1}, 1);
}

bool Mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("models: every named model parses and claims only known features") {
  for (const char* name : {"max", "qemu64", "qemu32", "kvm64", "base", "x86-64-v1", "x86-64-v4",
                           "Nehalem", "SandyBridge", "Haswell", "Skylake-Client", "EPYC"}) {
    CAPTURE(name);
    const auto parsed = Parse(name);
    REQUIRE(parsed.ok());
    CHECK(parsed->model.name == name);
    CHECK_EQ(parsed->model.vendor.size(), 12);
  }
}

TEST_CASE("models: features are added and taken away in either spelling") {
  const auto parsed = Parse("qemu64,+sse4_1,-sse3,lahf_lm=off,avx=on,+xsave");
  REQUIRE(parsed.ok());
  CHECK(parsed->model.Has(Feature::kSse41));
  CHECK(parsed->model.Has(Feature::kAvx));
  CHECK_FALSE(parsed->model.Has(Feature::kSse3));
  CHECK_FALSE(parsed->model.Has(Feature::kLahfLm));
}

TEST_CASE("models: an unknown model or feature is named with the nearest known one") {
  const auto model = Parse("Hasswell");
  REQUIRE_FALSE(model.ok());
  CHECK(Mentions(model.error().message, "Hasswell"));
  CHECK(Mentions(model.error().message, "'Haswell'"));
  const auto feature = Parse("max,+smepp");
  REQUIRE_FALSE(feature.ok());
  CHECK(Mentions(feature.error().message, "'smep'"));
}

TEST_CASE("models: what the engine lacks is a warning, and an error with enforce") {
  FeatureSet engine = Everything();
  engine.reset(static_cast<size_t>(Feature::kAvx2));
  const auto parsed = Parse("Haswell", engine);
  REQUIRE(parsed.ok());
  REQUIRE_EQ(parsed->warnings.size(), 1);
  CHECK(Mentions(parsed->warnings[0], "avx2"));
  CHECK_FALSE(parsed->model.Has(Feature::kAvx2));
  CHECK_FALSE(Parse("Haswell,enforce", engine).ok());
}

TEST_CASE("models: without XSAVE there is no AVX") {
  const auto parsed = Parse("x86-64-v4,-xsave");
  REQUIRE(parsed.ok());
  CHECK_FALSE(parsed->model.Has(Feature::kAvx));
  CHECK_FALSE(parsed->model.Has(Feature::kAvx512f));
  CHECK_EQ(parsed->model.SupportedXcr0(), 0);
}

TEST_CASE("models: identity properties are taken, and bad ones refused") {
  const auto parsed =
      Parse("max,vendor=AuthenticAMD,family=0x19,model=1,model-id=Mine,phys-bits=44");
  REQUIRE(parsed.ok());
  CHECK(parsed->model.vendor == "AuthenticAMD");
  CHECK_EQ(parsed->model.family, 0x19);
  CHECK(parsed->model.brand == "Mine");
  CHECK_EQ(parsed->model.physical_address_bits, 44);
  for (const char* bad : {"max,vendor=me", "max,family=x", "max,phys-bits=64", "max,sse=maybe", ",",
                          "max,", "max,=on"}) {
    CAPTURE(bad);
    CHECK_FALSE(Parse(bad).ok());
  }
}

TEST_CASE("models: without AVX512F none of its extensions is left") {
  const auto parsed = Parse("x86-64-v4,-avx512f,+avx512-bf16,+avx512vp2intersect");
  REQUIRE(parsed.ok());
  for (const Feature feature : {Feature::kAvx512bw, Feature::kAvx512bf16,
                                Feature::kAvx512vp2intersect, Feature::kAvx512vl}) {
    CHECK_FALSE(parsed->model.Has(feature));
  }
  CHECK_EQ(parsed->model.SupportedXcr0() & kXcr0Avx512, 0);
}

TEST_CASE("models: on a host with AVX-512, x86-64-v4 and max have all of it without a warning") {
  const FeatureSet features = InterpreterFeatures();
  if (!features.test(static_cast<size_t>(Feature::kAvx512f))) {
    MESSAGE("skipped: the host has no AVX-512");
    return;
  }
  for (const char* name : {"x86-64-v4", "max"}) {
    CAPTURE(name);
    const auto parsed = Parse(name, features);
    REQUIRE(parsed.ok());
    CHECK(parsed->warnings.empty());
    CHECK(parsed->model.Has(Feature::kAvx512vl));
    CHECK_EQ(parsed->model.SupportedXcr0() & kXcr0Avx512, kXcr0Avx512);
  }
}

TEST_CASE("models: the interpreter offers no MONITOR, and long mode") {
  const FeatureSet features = InterpreterFeatures();
  CHECK_FALSE(features.test(static_cast<size_t>(Feature::kMonitor)));
  CHECK(features.test(static_cast<size_t>(Feature::kLm)));
  CHECK(features.test(static_cast<size_t>(Feature::kSse2)));
}

TEST_CASE("models: what only QEMU has can be taken away, and is a warning when it is asked for") {
  const auto parsed = Parse("max,-vmx-mbec,-skinit,hv_passthrough=off,+svm");
  REQUIRE(parsed.ok());
  REQUIRE_EQ(parsed->warnings.size(), 1);
  CHECK(Mentions(parsed->warnings[0], "'svm'"));
  CHECK_FALSE(Parse("max,+svm,enforce").ok());
}

TEST_CASE("models: host-phys-bits are the host's") {
  const auto parsed = Parse("qemu64,host-phys-bits");
  REQUIRE(parsed.ok());
  CHECK_EQ(parsed->model.physical_address_bits, HostPhysicalAddressBits());
  CHECK_EQ(Parse("qemu64,host-phys-bits=off")->model.physical_address_bits, 40);
}

TEST_CASE("models: the help lists models and features") {
  CHECK(Mentions(CpuModelHelp(), "Skylake-Client"));
  CHECK(Mentions(CpuModelHelp(), "invpcid"));
}

}  // namespace
}  // namespace tandem::cpu
