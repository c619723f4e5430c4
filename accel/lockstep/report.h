#pragma once

#include <optional>
#include <string>

#include "accel/lockstep/culprit.h"

namespace tandem::accel::lockstep {

// Where and how the engines parted, in lines for the user.
std::string ReportText(const Session& session, const Replica& replica, const cpu::CpuModel& model,
                       const Search& search, const std::optional<Culprit>& culprit,
                       const devices::FlatView& view);

}  // namespace tandem::accel::lockstep
