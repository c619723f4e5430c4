#pragma once

#include <array>
#include <set>
#include <string>

#include "tests/differential/coverage.h"

namespace tandem::cpu {

// Forms with a difference, by engine.
struct Failures {
  std::array<std::set<std::string>, kSides> of;  // by Side
  std::set<std::string> undefined;
};

// ISA extensions against engines as a table in Markdown.
std::string MatrixText(const std::vector<Form>& forms, const Coverage& coverage,
                       const Failures& failures);

}  // namespace tandem::cpu
