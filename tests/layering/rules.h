#pragma once

#include <string_view>
#include <vector>

namespace tandem::tests {

// Which rooms the files of a room may include, besides those of the room itself and base. A room
// includes its subfolders, unless these are rooms of their own; "cpu/" stands for all rooms below.
struct RoomRule {
  std::string_view room;
  std::vector<std::string_view> may_include;
};

inline const std::vector<RoomRule> kRooms = {
    {"base", {}},
    {"devices/bus", {}},
    {"devices/irqchip", {"devices/bus"}},
    {"devices/legacy", {"devices/bus", "devices/pci", "devices/storage", "devices/chardev"}},
    {"devices/ide", {"devices/bus", "devices/pci", "devices/storage"}},
    {"devices/pci", {"devices/bus"}},
    {"devices/storage", {}},
    {"devices/net", {}},
    {"devices/chardev", {}},
    {"devices/display", {"devices/bus", "devices/pci"}},
    {"devices/virtio",
     {"devices/bus", "devices/pci", "devices/storage", "devices/net", "devices/chardev",
      "devices/display"}},
    {"cpu/state", {}},
    {"cpu/decode", {"cpu/state"}},
    {"cpu/mmu", {"cpu/state", "devices/bus"}},
    {"cpu/event", {"cpu/state", "cpu/mmu", "devices/bus"}},
    {"cpu/exec", {"cpu/decode", "cpu/mmu", "cpu/event", "cpu/state", "devices/bus"}},
    {"jit/unit", {"cpu/decode", "cpu/state"}},
    {"jit/analysis", {"jit/unit", "cpu/decode", "cpu/state"}},
    {"jit/code", {"jit/unit"}},
    {"jit/context", {"cpu/mmu", "cpu/state"}},
    {"jit/x64",
     {"jit/unit", "jit/analysis", "jit/code", "jit/context", "cpu/decode", "cpu/mmu", "cpu/state"}},
    {"jit/llvm", {"jit/unit", "jit/analysis", "jit/code", "cpu/decode", "cpu/state"}},
    {"jit/engine", {"jit/", "cpu/", "devices/bus"}},
    {"accel/api", {"cpu/state", "devices/bus"}},
    {"accel/dbt", {"accel/api", "jit/context", "jit/engine", "cpu/", "devices/bus"}},
    {"accel/kvm", {"accel/api", "cpu/", "devices/bus"}},
    {"accel/lockstep", {"accel/api", "accel/dbt", "cpu/", "jit/engine", "devices/bus"}},
    {"accel/run", {"accel/api", "cpu/state", "devices/bus"}},
    {"firmware", {"devices/bus"}},
    {"frontend/config", {}},
    {"frontend/machine", {"frontend/config", "firmware", "accel/", "cpu/state", "devices/"}},
    {"frontend/sdl", {"devices/display", "devices/legacy"}},
    {"frontend/vnc", {"devices/display", "devices/legacy"}},
    {"frontend/headless", {"devices/display", "devices/legacy"}},
    {"frontend/gdb", {"accel/api", "accel/run", "cpu/decode", "cpu/state", "devices/bus"}},
    {"frontend/monitor", {"accel/api", "accel/run", "cpu/decode", "cpu/state", "devices/bus"}},
    {"frontend/qmp", {"accel/api", "accel/run", "cpu/decode", "cpu/state", "devices/bus"}},
    {"frontend/trace", {"accel/api", "accel/run", "cpu/decode", "cpu/state", "devices/bus"}},
    {"frontend", {"frontend/", "cpu/state"}},
};

// Headers of other libraries that one room only may see.
struct ForeignRule {
  std::string_view prefix;
  std::string_view room;
};

inline constexpr ForeignRule kForeign[] = {
    {"xbyak/", "jit/x64"},         {"llvm/", "jit/llvm"},    {"llvm-c/", "jit/llvm"},
    {"linux/kvm.h", "accel/kvm"},  {"Zydis/", "cpu/decode"}, {"slirp/", "devices/net"},
    {"libslirp.h", "devices/net"}, {"SDL", "frontend/sdl"},  {"liburing", "devices/storage"},
    {"nlohmann/", "frontend"},
};

// Lines of a source file; only .inc tables may be longer.
inline constexpr int kMaxLines = 600;

}  // namespace tandem::tests
