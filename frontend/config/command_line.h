#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/ints.h"
#include "base/result.h"
#include "frontend/config/machine_config.h"

namespace tandem::frontend {

// What the command line asks for: a machine, or only a text (-help, -cpu help, ...).
enum class Request : u8 {
  kRun,
  kHelp,
  kVersion,
  kMachineHelp,
  kCpuHelp,
  kAccelHelp,
  kDeviceHelp,
  kChardevHelp,
  kLogHelp,
};

// A command line, read: the machine and what concerns the process around it.
struct Invocation {
  Request request = Request::kRun;
  MachineConfig machine;
  bool starts_paused = false;
  std::string process_name;  // -name process=; empty: as it is
  std::string pidfile;
  std::string log_file;
  u32 log_items = 0;
  std::vector<std::string> hints;  // lines for standard error
};

// Reads the arguments behind the program's name. An Error is one line that names the option, where
// it stood and, for unknown names, the nearest known one.
Result<Invocation> ParseCommandLine(std::span<const std::string> arguments);

// The text for a request other than kRun, kVersion and kCpuHelp.
std::string HelpText(Request request);

// What -version shows. Called by QEMU's name we also say which QEMU the options follow.
std::string VersionText(std::string_view program_name);

}  // namespace tandem::frontend
