#pragma once

#include "devices/bus/flat_view.h"

namespace tandem::devices {

// Maps a 4 KiB page of the view's RAM once more, at place, a whole page, too; what was mapped
// there goes. page: its host address in the RamBlock. False: it is not in RAM of this view, or the host
// refuses.
bool ShowPage(const FlatView& view, const std::byte* page, std::byte* place);

}  // namespace tandem::devices
