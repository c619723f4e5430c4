#include <fmt/format.h>

#include "frontend/config/command_line.h"

// The texts of -help, -version and "-device help".
namespace tandem::frontend {
namespace {

constexpr size_t kColumns = 80;
constexpr std::string_view kVersion = "0.1";

// Appends text, broken at spaces so that no line is longer than the screen.
void AppendWrapped(std::string& out, std::string_view text, size_t column, size_t indent) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (column > indent && column + 1 + word.size() > kColumns) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  out += '\n';
}

void AppendRow(std::string& out, std::string_view name, std::string_view text, size_t indent) {
  const size_t start = out.size();
  out += fmt::format("  {}", name);
  size_t column = out.size() - start;
  if (column >= indent) {
    out += '\n';
    column = 0;
  }
  out += std::string(indent - column, ' ');
  AppendWrapped(out, text, indent, indent);
}

void AppendOption(std::string& out, std::string_view name, const char* argument, const char* help) {
  if (help == nullptr) {
    return;
  }
  AppendRow(out,
            fmt::format("-{}{}{}", name, argument != nullptr ? " " : "",
                        argument != nullptr ? argument : ""),
            help, 24);
}

std::string OptionHelp() {
  std::string out =
      "usage: tandem [options] [disk image]\n"
      "A PC that runs x86-64 guests. Options are spelled as with QEMU.\n";
#define SECTION(title) out += "\n" title ":\n";
#define OPTION(id, name, argument, help) AppendOption(out, name, argument, help);
#include "frontend/config/options.inc"
#undef OPTION
#undef SECTION
  return out;
}

// As QEMU writes it: scripts look for names in quotes.
std::string DriverLine(std::string_view name, std::string_view bus, std::string_view help) {
  return fmt::format("name \"{}\", bus {}, desc \"{}\"\n", name, bus, help);
}

std::string DeviceHelp() {
  std::string out = "Devices:\n";
#define DRIVER(name, bus, help) out += DriverLine(name, bus, help);
#include "frontend/config/device_drivers.inc"
#undef DRIVER
  return out;
}

std::string LogHelp() {
  std::string out = "Log items, comma-separated:\n";
#define LOG_ITEM(item, name, help) AppendRow(out, name, help, 20);
#include "frontend/config/log_items.inc"
#undef LOG_ITEM
  return out;
}

}  // namespace

std::string HelpText(Request request) {
  switch (request) {
    case Request::kHelp:
      return OptionHelp();
    case Request::kMachineHelp:
      return "Machines:\n  pc                  PC with i440FX and PIIX3 (the default)\n";
    case Request::kAccelHelp:
      return "Accelerators:\n"
             "  auto                kvm where it is fast, else dbt (the default)\n"
             "  kvm                 Linux's KVM, by the processor's VMX or SVM\n"
             "  dbt                 our own translator; jit=off: interpret only;\n"
             "                      precise-flags=on: at every fault and interrupt the arithmetic "
             "flags\n"
             "                      are the processor's, even those that are overwritten before "
             "any use\n"
             "                      lockstep=interp: with the interpreter behind it, all state compared\n"
             "                      (lockstep=kvm: with KVM, for tiny guests); it ends at the first\n"
             "                      difference or, with lockstep-for=N, after N instructions\n"
             "  tcg                 the same, by the name that QEMU's users know\n";
    case Request::kDeviceHelp:
      return DeviceHelp();
    case Request::kChardevHelp:
      return "Streams:\n  null\n  stdio\n  file\n  pipe\n  pty\n  socket\n  ringbuf\n";
    case Request::kLogHelp:
      return LogHelp();
    default:
      return {};
  }
}

std::string VersionText(std::string_view program_name) {
  const std::string_view name = program_name.substr(program_name.rfind('/') + 1);
  const std::string ours = fmt::format("tandem {} (x86-64 full-system emulator)\n", kVersion);
  if (!name.starts_with("qemu-system-")) {
    return ours;
  }
  return fmt::format("QEMU emulator version 7.2.0 (Tandem {})\n{}", kVersion, ours);
}

}  // namespace tandem::frontend
