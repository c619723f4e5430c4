#include <cstdio>
#include <string>
#include <vector>

#include "cpu/state/model_parser.h"
#include "frontend/config/command_line.h"
#include "frontend/end_signals.h"
#include "frontend/machine/machine.h"
#include "frontend/pid_file.h"
#include "frontend/set_up_process.h"

namespace tandem::frontend {
namespace {

int Complain(const Error& error) {
  std::fprintf(stderr, "tandem: %s\n", error.message.c_str());
  return 1;
}

int ShowText(Request request, const char* program_name) {
  const std::string text = request == Request::kVersion   ? VersionText(program_name)
                           : request == Request::kCpuHelp ? cpu::CpuModelHelp()
                                                          : HelpText(request);
  return std::fputs(text.c_str(), stdout) >= 0 ? 0 : 1;
}

// Runs the machine to its end; the exit status.
int RunMachine(const Invocation& invocation) {
  int status = 0;
  EventLoop loop;
  const EndSignals signals(loop, [&loop](int) { loop.Stop(); });
  const auto on_end = [&](MachineEnd end) {
    status = end.status;
    loop.Stop();
  };
  auto machine = Machine::Build(invocation.machine, loop, on_end);
  if (!machine) {
    return Complain(machine.error());
  }
  const auto pid_file = PidFile::Write(invocation.pidfile);
  if (!pid_file) {
    return Complain(pid_file.error());
  }
  if (!invocation.starts_paused) {
    (*machine)->Start();
  }
  loop.Run();
  return status;
}

int Main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto invocation = ParseCommandLine(arguments);
  if (!invocation) {
    return Complain(invocation.error());
  }
  if (invocation->request != Request::kRun) {
    return ShowText(invocation->request, argc > 0 ? argv[0] : "tandem");
  }
  const Result<void> set_up = SetUpProcess(*invocation);
  return set_up ? RunMachine(*invocation) : Complain(set_up.error());
}

}  // namespace
}  // namespace tandem::frontend

int main(int argc, char** argv) { return tandem::frontend::Main(argc, argv); }
