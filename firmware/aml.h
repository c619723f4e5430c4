#pragma once

#include "firmware/board.h"
#include "firmware/bytes.h"

namespace tandem::firmware {

// The SSDT with what differs from one board to the next: the processors, and the names that the
// DSDT's _STA methods look at (\COMS, \LPTS and \HPTS).
Bytes BuildBoardSsdt(const Board& board);

}  // namespace tandem::firmware
