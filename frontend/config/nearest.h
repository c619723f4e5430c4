#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::frontend {

// The candidate that differs least from name, or nothing where none is near.
std::optional<std::string_view> Nearest(std::string_view name,
                                        const std::vector<std::string_view>& candidates);

// ": did you mean 'x'?" or nothing.
std::string DidYouMean(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace tandem::frontend
