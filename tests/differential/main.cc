#include <cstdio>

#include "tests/differential/session.h"

int main(int argc, char** argv) {
  tandem::Result<tandem::cpu::Options> options = tandem::cpu::ParseOptions(argc, argv);
  if (!options.ok()) {
    std::fprintf(stderr, "error: %s\n", options.error().message.c_str());
    return 2;
  }
  if (options->wants_help) {
    std::fputs(tandem::cpu::kUsage, stdout);
    return 0;
  }
  return tandem::cpu::Session(std::move(*options)).Run();
}
