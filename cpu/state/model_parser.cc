#include "cpu/state/model_parser.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "cpu/state/feature_levels.h"
#include "cpu/state/host_identity.h"

namespace tandem::cpu {
namespace {

struct ModelRow {
  std::string_view name, vendor;
  u32 family, model, stepping;
  u8 physical_address_bits;
  std::string_view brand, features;
};

constexpr ModelRow kModels[] = {
#define MODEL(name, vendor, family, model, stepping, phys, brand, features) \
  {name, vendor, family, model, stepping, phys, brand, features},
#include "cpu/state/models.inc"
#undef MODEL
};

constexpr std::string_view kProperties[] = {"enforce",    "check",         "vendor",   "family",
                                            "model",      "stepping",      "model-id", "phys-bits",
                                            "migratable", "host-phys-bits"};

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

class Nearest {
 public:
  explicit Nearest(std::string_view wanted) : wanted_(wanted) {}
  void Offer(std::string_view name) {
    const size_t distance = EditDistance(wanted_, name);
    if (distance < best_) {
      best_ = distance;
      name_ = name;
    }
  }
  std::string_view name() const { return name_; }

 private:
  std::string_view wanted_, name_;
  size_t best_ = ~size_t{0};
};

std::string_view NearestModel(std::string_view wanted) {
  Nearest nearest(wanted);
  nearest.Offer("max");
  for (const ModelRow& row : kModels) {
    nearest.Offer(row.name);
  }
  return nearest.name();
}

std::string_view NearestFeature(std::string_view wanted) {
  Nearest nearest(wanted);
  for (size_t i = 0; i < static_cast<size_t>(Feature::kCount); ++i) {
    nearest.Offer(FeatureName(static_cast<Feature>(i)));
  }
  for (const std::string_view property : kProperties) {
    nearest.Offer(property);
  }
  return nearest.name();
}

Result<u32> Number(std::string_view key, std::string_view text, u32 highest) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = is_hex ? text.substr(2) : text;
  u32 value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  const bool is_whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!is_whole || value > highest) {
    return Fail("-cpu: '{}={}': a number from 0 to {} is wanted", key, text, highest);
  }
  return value;
}

// One -cpu line being read.
class Parser {
 public:
  Parser(const FeatureSet& engine, Topology topology, u32 vcpus, bool is_native)
      : engine_(engine), is_native_(is_native) {
    model_.topology = topology;
    model_.vcpu_count = vcpus;
  }

  Result<void> ChooseModel(std::string_view name);
  Result<void> Apply(std::string_view item);
  Result<ParsedCpuModel> Finish();

 private:
  Result<void> ApplyProperty(std::string_view key, std::string_view value);
  Result<void> SetFeature(std::string_view name, bool on);
  Result<void> SetIdentity(std::string_view key, std::string_view value);
  Result<void> SetVendor(std::string_view value);
  void SetLeaves();
  void DropDependents();

  FeatureSet engine_;
  bool is_native_;
  CpuModel model_;
  std::vector<std::string> missing_;  // asked for, known to QEMU only
  bool is_max_ = false;
  bool enforces_ = false;
};

Result<void> Parser::ChooseModel(std::string_view name) {
  model_.name = name;
  if (name == "max" || name == "host") {
    is_max_ = true;
    model_.vendor = "GenuineIntel";
    model_.brand = "Tandem Virtual CPU";
    model_.family = 6;
    // No processor's: programs choose code by the model, too, and would take features for granted.
    model_.model = 255;
    model_.stepping = 0;
    model_.features = engine_;
    if (name == "host" && is_native_) {
      model_.is_host = true;
      TakeHostIdentity(model_);
    }
    return {};
  }
  for (const ModelRow& row : kModels) {
    if (row.name != name) {
      continue;
    }
    model_.vendor = row.vendor;
    model_.brand = row.brand;
    model_.family = row.family;
    model_.model = row.model;
    model_.stepping = row.stepping;
    model_.physical_address_bits = row.physical_address_bits;
    AddFeatureList(row.features, model_.features);
    return {};
  }
  return Fail("-cpu: unknown model '{}'; did you mean '{}'? ('-cpu help' lists all)", name,
              NearestModel(name));
}

Result<void> Parser::SetFeature(std::string_view name, bool on) {
  Feature feature{};
  if (IsFeatureElsewhere(name)) {
    if (on) {
      missing_.emplace_back(name);
    }
    return {};
  }
  if (!FindFeature(name, feature)) {
    return Fail("-cpu: unknown feature '{}'; did you mean '{}'?", name, NearestFeature(name));
  }
  model_.features.set(static_cast<size_t>(feature), on);
  return {};
}

Result<void> Parser::SetVendor(std::string_view value) {
  if (value.size() != 12) {
    return Fail("-cpu: vendor '{}' must have 12 characters", value);
  }
  model_.vendor = value;
  return {};
}

Result<void> Parser::SetIdentity(std::string_view key, std::string_view value) {
  struct Row {
    std::string_view key;
    u32 highest;
    u32 CpuModel::*field;
  };
  constexpr Row kRows[] = {{"family", 0x10e, &CpuModel::family},
                           {"model", 255, &CpuModel::model},
                           {"stepping", 15, &CpuModel::stepping}};
  for (const Row& row : kRows) {
    if (row.key != key) {
      continue;
    }
    Result<u32> number = Number(key, value, row.highest);
    if (!number) {
      return number.error();
    }
    model_.*row.field = *number;
    return {};
  }
  Result<u32> bits = Number(key, value, 52);
  if (!bits || *bits < 32) {
    return Fail("-cpu: 'phys-bits={}': a number from 32 to 52 is wanted", value);
  }
  model_.physical_address_bits = static_cast<u8>(*bits);
  return {};
}

Result<void> Parser::ApplyProperty(std::string_view key, std::string_view value) {
  if (key == "family" || key == "model" || key == "stepping" || key == "phys-bits") {
    return SetIdentity(key, value);
  }
  if (key == "vendor") {
    return SetVendor(value);
  }
  if (key == "model-id") {
    model_.brand = value.substr(0, 47);
    return {};
  }
  const bool is_on = value == "on" || value == "true" || value == "yes";
  if (!is_on && value != "off" && value != "false" && value != "no") {
    return Fail("-cpu: '{}={}': on or off is wanted", key, value);
  }
  if (key == "enforce") {
    enforces_ = is_on;
    return {};
  }
  if (key == "host-phys-bits") {
    model_.physical_address_bits = is_on ? HostPhysicalAddressBits() : model_.physical_address_bits;
    return {};
  }
  const bool has_no_effect = key == "check" || key == "migratable";
  return has_no_effect ? Result<void>{} : SetFeature(key, is_on);
}

Result<void> Parser::Apply(std::string_view item) {
  if (item.starts_with('+') || item.starts_with('-')) {
    return SetFeature(item.substr(1), item.front() == '+');
  }
  const size_t equals = item.find('=');
  if (equals == std::string_view::npos) {
    return ApplyProperty(item, "on");
  }
  return ApplyProperty(item.substr(0, equals), item.substr(equals + 1));
}

// Flags that say nothing without those they build upon.
void Parser::DropDependents() {
  struct Row {
    Feature needs;
    std::string_view dropped;
  };
  static constexpr Row kRows[] = {
      {Feature::kXsave, "-avx -xsaveopt -xsavec -xgetbv1 -xsaves -pku -xsaveerptr"},
      {Feature::kAvx, "-avx2 -fma -f16c -vaes -vpclmulqdq -avx-vnni -avx512f"},
      {Feature::kAvx512f,
       "-avx512dq -avx512ifma -avx512cd -avx512bw -avx512vl -avx512vbmi -avx512vbmi2 -avx512vnni "
       "-avx512bitalg -avx512-vpopcntdq -avx512-bf16 -avx512-vp2intersect"},
      {Feature::kLm, "-la57 -pdpe1gb -pcid -lahf-lm -pks"},
      {Feature::kApic, "-x2apic -tsc-deadline"},
  };
  for (const Row& row : kRows) {
    if (!model_.Has(row.needs)) {
      AddFeatureList(row.dropped, model_.features);
    }
  }
  const bool is_threaded = model_.topology.cores * model_.topology.threads > 1;
  model_.features.set(static_cast<size_t>(Feature::kHt), is_threaded);
}

void Parser::SetLeaves() {
  if (model_.is_host) {
    return;
  }
  const FeatureSet& set = model_.features;
  const bool is_amd = model_.vendor == "AuthenticAMD";
  model_.max_leaf =
      model_.family < 5 ? 1 : (set.test(static_cast<size_t>(Feature::kXsave)) ? 0xd : 7);
  if (is_max_ || model_.Has(Feature::kTscDeadline)) {
    model_.max_leaf = std::max<u32>(model_.max_leaf, is_amd ? 0xd : 0x1f);
  }
  model_.max_extended_leaf = model_.brand.empty() ? 0 : (is_amd ? 0x8000001e : 0x80000008);
}

Result<ParsedCpuModel> Parser::Finish() {
  ParsedCpuModel parsed;
  const FeatureSet lacking = model_.features & ~engine_;
  for (size_t i = 0; i < lacking.size(); ++i) {
    if (lacking.test(i)) {
      missing_.emplace_back(FeatureName(static_cast<Feature>(i)));
    }
  }
  for (const std::string& name : missing_) {
    if (enforces_) {
      return Fail("-cpu {}: this accelerator has no '{}' and 'enforce' is set", model_.name, name);
    }
    parsed.warnings.push_back(
        fmt::format("-cpu {}: feature '{}' is not available here and left out", model_.name, name));
  }
  model_.features &= engine_;
  DropDependents();
  SetLeaves();
  parsed.model = std::move(model_);
  return parsed;
}

}  // namespace

Result<ParsedCpuModel> ParseCpuModel(std::string_view spec, const FeatureSet& engine_features,
                                     Topology topology, u32 vcpus, bool is_native) {
  Parser parser(engine_features, topology, vcpus, is_native);
  size_t end = std::min(spec.find(','), spec.size());
  Result<void> result = parser.ChooseModel(spec.substr(0, end));
  while (result && end < spec.size()) {
    const size_t start = end + 1;
    end = std::min(spec.find(',', start), spec.size());
    result = parser.Apply(spec.substr(start, end - start));
  }
  if (!result) {
    return result.error();
  }
  return parser.Finish();
}

std::string CpuModelHelp() {
  std::string text = "Available CPUs:\n";
  text += fmt::format("  {:<20} {}\n", "max", "all that the accelerator has (default)");
  text += fmt::format("  {:<20} {}\n", "host", "the host's processor, with KVM; else max");
  for (const ModelRow& row : kModels) {
    text += fmt::format("  {:<20} {}\n", row.name, row.brand);
  }
  text += "\nFeatures (+NAME, -NAME, NAME=on|off):\n ";
  for (size_t i = 0; i < static_cast<size_t>(Feature::kCount); ++i) {
    text += fmt::format(" {}", FeatureName(static_cast<Feature>(i)));
  }
  return text + "\n";
}

}  // namespace tandem::cpu
