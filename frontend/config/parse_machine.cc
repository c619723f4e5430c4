#include <algorithm>

#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

// -machine and -accel.
namespace tandem::frontend {
namespace {

// QEMU's machine types other than ours, to tell "not there" from "mistyped".
constexpr std::string_view kOtherMachines[] = {"q35",  "pc-q35", "isapc", "microvm",
                                               "none", "xenfv",  "xenpv"};

Result<void> CheckType(const std::string& type, const std::string& where) {
  if (type == "pc" || type == "i440fx" || type.starts_with("pc-i440fx")) {
    return {};
  }
  for (const std::string_view other : kOtherMachines) {
    if (type.starts_with(other)) {
      return Fail("{}: machine type '{}' is not there yet: use pc", where, type);
    }
  }
  return Fail("{}: unknown machine type '{}'{}", where, type, DidYouMean(type, {"pc", "i440fx"}));
}

// Properties that have one value here, or whose value makes no difference.
void TakeHarmless(KeyValues& keys) {
  keys.Choice("kernel-irqchip", {"on", "off", "split"}, "off");
  keys.Choice("vmport", {"on", "off", "auto"}, "off");
  keys.Choice("smm", {"on", "off", "auto"}, "auto");
  for (const std::string_view key : {"dump-guest-core", "mem-merge", "suppress-vmdesc"}) {
    keys.Bool(key, true);
  }
  for (const std::string_view key : {"acpi", "i8042", "pic"}) {
    keys.OnlyBool(key, true);
  }
  for (const std::string_view key : {"usb", "nvdimm"}) {
    keys.OnlyBool(key, false);
  }
}

void ReadBoot(KeyValues& keys, MachineConfig& machine) {
  machine.kernel = keys.Text("kernel", machine.kernel);
  machine.initrd = keys.Text("initrd", machine.initrd);
  machine.append = keys.Text("append", machine.append);
  machine.bios = keys.Text("firmware", machine.bios);
}

// "kvm:tcg": the first that exists.
void ReadAccelList(Draft& draft, const std::string& list, const std::string& where) {
  for (const std::string& name : Split(list, ':')) {
    KeyValues none({}, where);
    ChooseAccel(draft, name, none);
  }
}

void RejectAccel(Draft& draft, std::string message) {
  if (!draft.accel_error) {
    draft.accel_error = Error{std::move(message)};
  }
}

}  // namespace

Result<void> ParseMachine(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "type");
  if (!keys) {
    return keys.error();
  }
  const std::string type = keys->Text("type", "pc");
  if (type == "help" || type == "?") {
    draft.out.request = Request::kMachineHelp;
    return {};
  }
  if (Result<void> done = CheckType(type, argument.where); !done) {
    return done;
  }
  MachineConfig& machine = draft.out.machine;
  machine.has_hpet = keys->Bool("hpet", machine.has_hpet);
  machine.has_pit = keys->Bool("pit", machine.has_pit);
  machine.has_display = keys->Bool("graphics", machine.has_display);
  ReadBoot(*keys, machine);
  if (const std::optional<std::string> list = keys->Text("accel")) {
    ReadAccelList(draft, *list, argument.where);
  }
  TakeHarmless(*keys);
  return keys->Finish();
}

Result<void> ParseMachineShort(Draft& draft, const Argument& argument) {
  return ParseMachine(draft, argument);
}

void ChooseAccel(Draft& draft, const std::string& name, KeyValues& keys) {
  if (name == "kvm") {
    keys.TakeRest();
    RejectAccel(draft,
                fmt::format("{}: accelerator 'kvm' is not built in yet: use dbt", keys.where()));
    return;
  }
  if (name != "dbt" && name != "tcg") {
    keys.TakeRest();
    RejectAccel(draft, fmt::format("{}: unknown accelerator '{}'{}", keys.where(), name,
                                   DidYouMean(name, {"dbt", "tcg", "kvm"})));
    return;
  }
  const bool jit = keys.Bool("jit", true);
  keys.Choice("thread", {"single", "multi"}, "multi");
  keys.Number("tb-size", 0, 1u << 20);
  keys.Bool("split-wx", false);
  if (!draft.accel) {
    draft.accel = AccelConfig{.name = "dbt", .jit = jit};
  }
}

Result<void> ParseAccel(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "accel");
  if (!keys) {
    return keys.error();
  }
  const std::string name = keys->Text("accel", "");
  if (name == "help" || name == "?") {
    draft.out.request = Request::kAccelHelp;
    return {};
  }
  ChooseAccel(draft, name, *keys);
  return keys->Finish();
}

Result<void> ParseEnableKvm(Draft& draft, const Argument& argument) {
  KeyValues none({}, argument.where);
  ChooseAccel(draft, "kvm", none);
  return {};
}

Result<void> ParsePerfmap(Draft& draft, const Argument&) {
  draft.perf_map = true;
  return {};
}

Result<void> ParseGdbJit(Draft& draft, const Argument&) {
  draft.gdb_jit = true;
  return {};
}

Result<void> ParseNoHpet(Draft& draft, const Argument&) {
  draft.out.machine.has_hpet = false;
  return {};
}

Result<void> ParseNoAcpi(Draft&, const Argument& argument) {
  return Fail("{}: a machine without ACPI is not there yet", argument.where);
}

}  // namespace tandem::frontend
