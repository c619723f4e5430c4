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

// Of -machine, and as QEMU has it now, of -accel kvm.
void TakeIrqchip(KeyValues& keys, MachineConfig& machine) {
  const std::optional<std::string> given = keys.Text("kernel-irqchip");
  if (!given) {
    return;
  }
  if (*given == "on") {
    machine.irqchip = IrqchipMode::kOn;
  } else if (*given == "split") {
    machine.irqchip = IrqchipMode::kSplit;
  } else if (*given == "off") {
    machine.irqchip = IrqchipMode::kOff;
  } else {
    keys.Reject(fmt::format("kernel-irqchip={} is neither on nor off nor split", *given));
  }
}

// Both engines see one time, which counts the instructions that they have executed.
void ReadLockstep(KeyValues& keys, AccelConfig& accel) {
  const std::string with = keys.Choice("lockstep", {"off", "interp", "kvm"}, "off");
  accel.lockstep = with == "interp" ? LockstepWith::kInterpreter
                   : with == "kvm"  ? LockstepWith::kKvm
                                    : LockstepWith::kNobody;
  const std::optional<u64> instructions = keys.Number("lockstep-for", 1, ~u64{0});
  if (instructions && accel.lockstep == LockstepWith::kNobody) {
    keys.Reject("lockstep-for= goes with lockstep=interp or lockstep=kvm");
  }
  if (accel.lockstep != LockstepWith::kNobody && !accel.jit) {
    keys.Reject("lockstep= compares the translator: leave out jit=off");
  }
  accel.lockstep_for = instructions.value_or(0);
}

// "kvm:tcg": the first that works.
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
  TakeIrqchip(*keys, machine);
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

void ChooseAccel(Draft& draft, const std::string& names, KeyValues& keys) {
  if (names.find(':') != std::string::npos) {
    ReadAccelList(draft, names, keys.where());
    return;
  }
  AccelConfig accel;
  if (names == "kvm") {
    accel.kind = AccelKind::kKvm;
    accel.fallback = keys.Bool("fallback", true);
    TakeIrqchip(keys, draft.out.machine);
  } else if (names == "dbt" || names == "tcg") {
    accel.kind = AccelKind::kDbt;
    accel.jit = keys.Bool("jit", true);
    accel.precise_flags = keys.Bool("precise-flags", false);
    ReadLockstep(keys, accel);
    keys.Choice("thread", {"single", "multi"}, "multi");
    keys.Number("tb-size", 0, 1u << 20);
    keys.Bool("split-wx", false);
  } else if (names != "auto") {
    keys.TakeRest();
    RejectAccel(draft, fmt::format("{}: unknown accelerator '{}'{}", keys.where(), names,
                                   DidYouMean(names, {"auto", "dbt", "tcg", "kvm"})));
    return;
  }
  draft.out.machine.accels.push_back(accel);
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
  draft.out.machine.perf_map = true;
  return {};
}

Result<void> ParseGdbJit(Draft& draft, const Argument&) {
  draft.out.machine.gdb_jit = true;
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
