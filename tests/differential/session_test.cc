#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "cpu/state/model_parser.h"
#include "tests/differential/corpus.h"
#include "tests/differential/options.h"
#include "tests/differential/parties.h"
#include "tests/differential/single.h"
#include "tests/rows/kvm_engine.h"

// After our headers: it has a CHECK of its own.
#include <doctest/doctest.h>

namespace tandem::cpu {
namespace {

std::string TemporaryPath(const std::string& name) {
  const char* const folder = std::getenv("TEST_TMPDIR");
  return std::string(folder == nullptr ? "/tmp" : folder) + "/" + name;
}

Result<Options> Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "differential");
  return ParseOptions(static_cast<int>(words.size()), const_cast<char**>(words.data()));
}

CpuModel HostModel() {
  CpuModel model;
  model.features = InterpreterFeatures();
  return model;
}

TEST_CASE("forms: known instructions of each mode are found, with their operands") {
  const std::vector<Form> forms = FindForms(HostModel(), Choice::kAll);
  for (const char* const name :
       {"64 add r32, m32", "64 adc rh, rh", "64 lock xadd m64, r64", "64 rep stosq", "32 aaa",
        "16 les r16, m32", "64 fadd m64", "64 addss xmm, m32", "64 jmp imm8"}) {
    const bool is_there = std::any_of(forms.begin(), forms.end(),
                                      [&](const Form& form) { return form.name == name; });
    CHECK_MESSAGE(is_there, name);
  }
}

TEST_CASE("singles: an encoding of a form is of that form, whatever else is chosen") {
  const CpuModel model = HostModel();
  const std::vector<Form> forms = FindForms(model, Choice::kAll);
  Random random(1);
  size_t made = 0;
  for (size_t i = 0; i < forms.size(); i += 97) {
    if (const auto single = MakeSingle(random, forms[i], model)) {
      CHECK_EQ(FormName(CodeBits(single->mode), single->inst), forms[i].name);
      ++made;
    }
  }
  CHECK(made > forms.size() / 97 / 2);
}

TEST_CASE("corpus: what is written is read again; a line of another kind is named") {
  const std::string path = TemporaryPath("corpus.txt");
  std::remove(path.c_str());
  const auto none = ReadCorpus(path);
  REQUIRE(none.ok());
  CHECK(!none->has_value());
  REQUIRE(WriteCorpus(path, {7, 1234, {{"64 add r32, m32", 8}}, {"90 ; nop | |"}}).ok());
  const auto read = ReadCorpus(path);
  REQUIRE(read.ok());
  REQUIRE(read->has_value());
  CHECK_EQ((*read)->seed, 7);
  CHECK_EQ((*read)->next, 1234);
  CHECK_EQ((*read)->hits[0].first, "64 add r32, m32");
  CHECK_EQ((*read)->rows[0], "90 ; nop | |");
  std::ofstream(path, std::ios::app) << "what is this\n";
  CHECK(ReadCorpus(path).error().message.find("what is this") != std::string::npos);
}

TEST_CASE("options: values are taken; what is unknown or no number is named") {
  const auto options = Parse({"--seconds", "5", "--seed", "3", "--corpus", "file"});
  REQUIRE(options.ok());
  CHECK_EQ(options->seconds, 5);
  CHECK_EQ(*options->seed, 3);
  CHECK_EQ(options->corpus, "file");
  CHECK_EQ(Parse({"--kvm-rate", "0"})->kvm_rate, 0);
  CHECK(Parse({"--sed", "3"}).error().message.find("--sed") != std::string::npos);
  CHECK(Parse({"--seed", "3x"}).error().message.find("3x") != std::string::npos);
  CHECK(!Parse({"--seed"}).ok());
}

// Some kernels' KVM_RUN takes the LDT away.
TEST_CASE("parties: behind a run of KVM the host has its 16-bit segments, in 64-bit code, too" *
          doctest::skip(!KvmEngine::IsThere())) {
  Parties parties;
  if (!parties.is_usable() || !parties.Has(MachineMode::kCompat16)) {
    MESSAGE("skipped: the host has no 16-bit segments");
    return;
  }
  const std::vector<u8> xorps{0x0f, 0x57, 0xc0}, increment{0x40}, load_es{0x8e, 0xc0};
  for (int i = 0; i < 50; ++i) {
    parties.PutCode(MachineMode::kLong, xorps, {0, true});
    CHECK(!parties.Run(Side::kKvm, parties.ResetState(MachineMode::kLong)).exception.has_value());
    parties.PutCode(MachineMode::kCompat16, increment, {});
    const CpuState start = parties.ResetState(MachineMode::kCompat16);
    const Parties::End end = parties.RunHost(start);
    CHECK(!end.exception.has_value());
    CHECK_EQ(end.state->gpr[kRax], start.gpr[kRax] + 1);

    parties.PutCode(MachineMode::kLong, xorps, {0, true});
    (void)parties.Run(Side::kKvm, parties.ResetState(MachineMode::kLong));
    parties.PutCode(MachineMode::kLong, load_es, {});
    CpuState in_64_bits = parties.ResetState(MachineMode::kLong);
    in_64_bits.gpr[kRax] = kUserData16;
    const Parties::End loaded = parties.RunHost(in_64_bits);
    CHECK(!loaded.exception.has_value());
    CHECK_EQ(loaded.state->Seg(SegReg::kEs).selector, kUserData16);
  }
}

}  // namespace
}  // namespace tandem::cpu
