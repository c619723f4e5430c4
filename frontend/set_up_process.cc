#include "frontend/set_up_process.h"

#include <sys/prctl.h>

#include <cstdio>

#include "base/log.h"

namespace tandem::frontend {

Result<void> SetUpProcess(const Invocation& invocation) {
  for (const std::string& hint : invocation.hints) {
    std::fprintf(stderr, "tandem: %s\n", hint.c_str());
  }
  if (!invocation.process_name.empty()) {
    ::prctl(PR_SET_NAME, invocation.process_name.c_str());
  }
  SetLogItems(invocation.log_items);
  return invocation.log_file.empty() ? Result<void>() : SetLogFile(invocation.log_file.c_str());
}

}  // namespace tandem::frontend
