#include <ctime>

#include "base/log.h"
#include "frontend/config/draft.h"

// -rtc and -icount.
namespace tandem::frontend {
namespace {

constexpr u64 kMaxIcountShift = 10;

// "2024-01-02T03:04:05" or "2024-01-02", as UTC.
std::optional<i64> ParseDate(const std::string& text) {
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"}) {
    std::tm fields{};
    const char* end = ::strptime(text.c_str(), format, &fields);
    if (end != nullptr && *end == '\0') {
      std::tm normal = fields;
      const std::time_t seconds = ::timegm(&normal);
      // 30 February becomes 1 March in timegm: not what was meant.
      return normal.tm_mday == fields.tm_mday ? std::optional<i64>(seconds) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<void> ParseRtc(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "base");
  if (!keys) {
    return keys.error();
  }
  RtcConfig& rtc = draft.out.machine.rtc;
  const std::string base = keys->Text("base", "utc");
  if (base == "utc") {
    rtc.base = RtcBase::kUtc;
  } else if (base == "localtime") {
    rtc.base = RtcBase::kLocalTime;
  } else if (const std::optional<i64> date = ParseDate(base)) {
    rtc.base = RtcBase::kDate;
    rtc.date = *date;
  } else {
    keys->Reject(
        fmt::format("base={} is neither utc nor localtime nor a date as "
                    "2024-01-02T03:04:05 or 2024-01-02",
                    base));
  }
  keys->Choice("clock", {"host", "rt", "vm"}, "host");
  keys->Choice("driftfix", {"none", "slew"}, "none");
  return keys->Finish();
}

Result<void> ParseIcount(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "shift");
  if (!keys) {
    return keys.error();
  }
  const std::string shift = keys->Text("shift", "");
  const std::optional<u64> number = ParseNumber(shift);
  if (shift == "auto") {
    keys->Reject("shift=auto is not there yet: give a number, 0 to 10");
  } else if (!number || *number > kMaxIcountShift) {
    keys->Reject(fmt::format("shift={} is not in 0..{}", shift, kMaxIcountShift));
  }
  keys->OnlyBool("align", false);
  keys->OnlyBool("sleep", true);
  draft.out.machine.icount_shift = static_cast<u32>(number.value_or(0));
  return keys->Finish();
}

}  // namespace tandem::frontend
