#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/ints.h"

namespace tandem::frontend {

// The whole machine as the user described it: plain data, with the defaults filled in. File names
// are as given and not yet opened.

enum class AccelKind : u8 { kAuto, kDbt, kKvm };
enum class IrqchipMode : u8 { kOn, kSplit, kOff };
enum class LockstepWith : u8 { kNobody, kInterpreter, kKvm };

// One accelerator that would do.
struct AccelConfig {
  AccelKind kind = AccelKind::kAuto;
  bool jit = true;                                // dbt: translate; the interpreter otherwise
  bool precise_flags = false;                     // dbt: jit::SharedCode::KeepFlagsPrecise
  LockstepWith lockstep = LockstepWith::kNobody;  // dbt: a second engine that it is compared with
  u64 lockstep_for = 0;  // instructions until the end of the emulator; 0: none
  bool fallback = true;  // kvm: interpret what it cannot emulate
};

struct SmpConfig {
  u32 cpus = 1;
  u32 max_cpus = 1;
  u32 sockets = 1, cores = 1, threads = 1;
};

enum class CharType : u8 { kNull, kStdio, kFile, kPipe, kPty, kSocket, kRingBuffer };

// A host character stream: -chardev, and what -serial FILE and its like make up.
struct ChardevConfig {
  std::string id;
  CharType type = CharType::kNull;
  std::string path;        // file, pipe, unix socket
  std::string input_path;  // file
  bool append = false;
  bool signal = true;  // stdio: Ctrl-C ends the emulator
  std::string host, port;
  bool server = false;
  bool wait = true;
  std::optional<u32> reconnect_s;
  u64 ring_size = 65536;
  bool mux = false;  // several front ends, Ctrl-A switches
  std::string log_path;
  bool log_append = false;
  std::string where;  // the option as given, for messages
};

enum class DriveInterface : u8 { kIde, kPflash, kNone };
enum class DriveMedia : u8 { kDisk, kCdrom };

struct DriveConfig {
  std::string id;      // never empty, unique
  std::string file;    // empty: an empty CD-ROM drive
  std::string format;  // empty: looked at
  DriveInterface interface = DriveInterface::kIde;
  DriveMedia media = DriveMedia::kDisk;
  // The command line's parser settles all places: IDE channel and drive, or flash bank as unit.
  std::optional<u32> bus, unit, index;
  bool read_only = false;
  bool snapshot = false;
  std::string where;  // the option as given, for messages
};

// -device DRIVER,key=value,...: what the driver makes of its properties is the machine's matter,
// which reads them through a KeyValues(properties, where).
struct DeviceConfig {
  std::string driver;
  std::vector<std::pair<std::string, std::string>> properties;
  std::string where;  // the option as given, for messages
};

struct BootConfig {
  std::string order;  // letters: a floppy disk, c disk, d CD-ROM, n network
  std::string once;   // the order of the first boot only; empty: as always
  bool menu = false;
  bool strict = false;
  std::optional<u32> splash_time_ms;
  std::optional<u32> reboot_timeout_ms;
};

enum class RtcBase : u8 { kUtc, kLocalTime, kDate };

struct RtcConfig {
  RtcBase base = RtcBase::kUtc;
  i64 date = 0;  // seconds since 1970 in UTC, with kDate
};

struct FwCfgFileConfig {
  std::string name;
  std::string file;
  std::string text;
};

struct MachineConfig {
  std::string name;  // -name; empty: none
  std::string machine = "pc";
  bool has_hpet = true;
  bool has_pit = true;
  std::vector<AccelConfig> accels;         // the first that works here counts; never empty
  IrqchipMode irqchip = IrqchipMode::kOn;  // kvm: which interrupt controllers are the kernel's
  bool perf_map = false;                   // dbt: a map of translated code for perf
  bool gdb_jit = false;                    // dbt: names of translated code for GDB
  std::string cpu = "max";
  SmpConfig smp;
  u64 ram_bytes = u64{128} << 20;

  std::string kernel, initrd, append, bios;
  std::vector<DriveConfig> drives;
  std::vector<DeviceConfig> devices;
  std::vector<ChardevConfig> chardevs;
  // Ids of chardevs, in order of the options; "none" for a port that is not there.
  std::vector<std::string> serial, parallel;
  std::string debugcon;  // port 0xe9; empty: none
  std::vector<FwCfgFileConfig> fw_cfg;
  BootConfig boot;
  RtcConfig rtc;
  std::array<u8, 16> uuid{};
  std::optional<u32> icount_shift;
  bool has_vga = true;
  bool has_display = true;  // somebody may look at the VGA's picture; false: firmware talks serial

  bool reboots = true;                // -no-reboot: a reset ends the emulator
  bool stays_after_shutdown = false;  // -no-shutdown
};

}  // namespace tandem::frontend
