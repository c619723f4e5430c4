#include "frontend/config/command_line.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "frontend/config/draft.h"
#include "frontend/config/nearest.h"

namespace tandem::frontend {
namespace {

struct OptionRow {
  std::string_view name;
  const char* argument;  // null: stands alone
  Result<void> (*parse)(Draft&, const Argument&);
};

constexpr std::array kOptions = {
#define SECTION(title)
#define OPTION(id, name, argument, help) OptionRow{name, argument, &Parse##id},
#include "frontend/config/options.inc"
#undef OPTION
#undef SECTION
};

const OptionRow* FindOption(std::string_view name) {
  const auto it = std::find_if(kOptions.begin(), kOptions.end(),
                               [&](const OptionRow& row) { return row.name == name; });
  return it == kOptions.end() ? nullptr : &*it;
}

Error UnknownOption(const std::string& word, size_t position) {
  std::vector<std::string> names;
  for (const OptionRow& row : kOptions) {
    names.push_back(fmt::format("-{}", row.name));
  }
  const std::string single_dash = word.starts_with("--") ? word.substr(1) : word;
  return Fail("{} (argument {}): unknown option{}", word, position,
              DidYouMean(single_dash, {names.begin(), names.end()}));
}

// Errors are one line, whatever the user typed.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char letter) { return letter >= 0 && letter < ' '; }, ' ');
  return text;
}

// Reads the option at position; the number of arguments it took.
Result<size_t> ReadOption(Draft& draft, std::span<const std::string> arguments, size_t position) {
  const std::string& word = arguments[position];
  if (!word.starts_with('-') || word == "-") {  // a disk image, as with QEMU
    const Result<void> done =
        ParseHda(draft, {word, fmt::format("{} (argument {})", OneLine(word), position + 1)});
    return done ? Result<size_t>(1) : done.error();
  }
  const OptionRow* row = FindOption(std::string_view(word).substr(word.starts_with("--") ? 2 : 1));
  if (row == nullptr) {
    return UnknownOption(OneLine(word), position + 1);
  }
  Argument argument;
  size_t count = 1;
  if (row->argument != nullptr) {
    if (position + 1 == arguments.size()) {
      return Fail("{} (argument {}): needs a value: {}", word, position + 1, row->argument);
    }
    argument.value = arguments[position + 1];
    ++count;
  }
  argument.where = OneLine(fmt::format("{}{}{} (argument {})", word, count == 2 ? " " : "",
                                       argument.value, position + 1));
  const Result<void> done = row->parse(draft, argument);
  return done ? Result<size_t>(count) : done.error();
}

void ChooseScreen(Draft& draft) {
  MachineConfig& machine = draft.out.machine;
  if (!draft.has_vga_option && !draft.has_defaults) {
    machine.has_vga = false;
  }
  if (draft.is_nographic) {
    machine.has_display = false;
  } else if (!draft.has_display_option && machine.serial.empty()) {
    draft.out.hints.emplace_back("no display yet: use -nographic");
  }
}

// Its time counts instructions; many a one lasts longer than a nanosecond on the processors of today.
Result<void> CompleteLockstep(Draft& draft) {
  constexpr u32 kShift = 3;
  MachineConfig& machine = draft.out.machine;
  const bool is_on = std::ranges::any_of(machine.accels, [](const AccelConfig& accel) {
    return accel.lockstep != LockstepWith::kNobody;
  });
  if (is_on && !machine.icount_shift) {
    machine.icount_shift = kShift;
  }
  if (is_on && machine.smp.cpus > 1) {
    return Fail("lockstep= follows one processor: use -smp 1 with it");
  }
  return {};
}

Result<void> Complete(Draft& draft) {
  std::vector<AccelConfig>& accels = draft.out.machine.accels;
  if (accels.empty() && draft.accel_error) {
    return *draft.accel_error;
  }
  if (accels.empty()) {
    accels.emplace_back();
  }
  ChooseScreen(draft);
  ApplyGlobals(draft);
  for (const auto complete : {&AddDefaultPorts, &PlaceDrives, &CompleteSmp, &CompleteLockstep}) {
    if (Result<void> done = complete(draft); !done) {
      return done;
    }
  }
  if (Result<void> done = CheckKernelOptions(draft); !done) {
    return done;
  }
  return CheckChardevs(draft);
}

}  // namespace

Result<Invocation> ParseCommandLine(std::span<const std::string> arguments) {
  Draft draft;
  for (size_t position = 0; position < arguments.size();) {
    const Result<size_t> count = ReadOption(draft, arguments, position);
    if (!count) {
      return count.error();
    }
    if (draft.out.request != Request::kRun) {
      return draft.out;  // a text was asked for: the rest does not matter
    }
    position += *count;
  }
  if (Result<void> done = Complete(draft); !done) {
    return done.error();
  }
  return std::move(draft.out);
}

}  // namespace tandem::frontend
