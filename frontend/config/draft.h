#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/config/command_line.h"
#include "frontend/config/key_values.h"

namespace tandem::frontend {

// One option with its value, as found on the command line.
struct Argument {
  std::string value;
  std::string where;  // "-m 2G (argument 3)"
};

// A PC's places for drives.
inline constexpr u32 kUnitsPerBus = 2;  // an IDE channel's master and slave
inline constexpr u32 kIdePlaces = 4;
inline constexpr u32 kPflashBanks = 2;
inline constexpr u32 kCdromPlace = 2;  // as an IDE place: the CD-ROM drive is -hdc

// -smp as given; what is missing is worked out from the rest.
struct SmpDraft {
  std::optional<u64> cpus, max_cpus, sockets, cores, threads;
  std::string where;
};

// -global: a property for each -device of the driver that does not give it itself.
struct GlobalProperty {
  std::string driver, property, value;
};

// What has been read so far. The option parsers add to it, Complete() fills in the defaults.
struct Draft {
  Invocation out;
  std::optional<SmpDraft> smp;
  std::optional<Error> accel_error;  // of one that does not exist; others may
  std::vector<GlobalProperty> globals;
  bool is_nographic = false;
  bool has_display_option = false;
  bool has_vga_option = false;
  bool has_defaults = true;
  bool snapshot = false;
};

// The parser of each option: ParseName(draft, argument), ParseMachine, ...
#define SECTION(title)
#define OPTION(id, ...) Result<void> Parse##id(Draft& draft, const Argument& argument);
#include "frontend/config/options.inc"
#undef OPTION
#undef SECTION

// Reads argument's properties; the caller ends with keys.Finish().
inline Result<KeyValues> ReadKeys(const Argument& argument, std::string_view leading_key) {
  return KeyValues::Parse(argument.value, leading_key, argument.where);
}

// -accel and -machine accel=: names is one accelerator with its properties, keys, or several as
// "kvm:dbt".
void ChooseAccel(Draft& draft, const std::string& names, KeyValues& keys);

// The properties of a socket, from -chardev socket and -serial tcp: and unix:.
void TakeSocketKeys(KeyValues& keys, ChardevConfig& config);

// Settles the places and ids of the drives; adds the default CD-ROM drive.
Result<void> PlaceDrives(Draft& draft);
// Works out the topology. Without -smp there is one processor.
Result<void> CompleteSmp(Draft& draft);
// Gives devices the properties of -global.
void ApplyGlobals(Draft& draft);
// Serial and parallel ports that nobody asked for.
Result<void> AddDefaultPorts(Draft& draft);
// One terminal cannot serve two streams, one id cannot name two.
Result<void> CheckChardevs(const Draft& draft);
// -initrd and -append without a kernel.
Result<void> CheckKernelOptions(const Draft& draft);

}  // namespace tandem::frontend
