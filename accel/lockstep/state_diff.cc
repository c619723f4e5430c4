#include "accel/lockstep/state_diff.h"

#include <fmt/format.h>

#include <cstring>
#include <span>

#include "base/bits.h"
#include "cpu/state/registers.h"

namespace tandem::accel::lockstep {
namespace {

using cpu::CpuState;

// A register as bytes of the state.
struct Field {
  std::string_view name;
  size_t offset;
  size_t size;
  bool is_kvms = true;  // compared with KVM, too
  u64 mask = ~u64{0};   // of registers of at most eight bytes
};

#define FIELD(name, member) \
  Field { name, offsetof(CpuState, member), sizeof(CpuState::member) }
#define OURS(name, member) \
  Field { name, offsetof(CpuState, member), sizeof(CpuState::member), false }

// RF is cleared at different moments of an instruction's start: what matters is tested by what it
// holds off.
constexpr u64 kComparedFlags = ~cpu::kFlagRf;

constexpr Field kFields[] = {
    FIELD("rip", rip),
    Field{"rflags", offsetof(CpuState, rflags), 8, true, kComparedFlags},
    FIELD("cr0", cr0),
    FIELD("cr2", cr2),
    FIELD("cr3", cr3),
    FIELD("cr4", cr4),
    FIELD("dr0-3", dr),
    FIELD("dr6", dr6),
    FIELD("dr7", dr7),
    FIELD("xcr0", xcr0),
    FIELD("pkru", pkru),
    OURS("pdptes", pdpte),
    FIELD("activity", activity),
    FIELD("cpl", cpl),
    OURS("sti shadow", sti_shadow),
    OURS("mov ss shadow", mov_ss_shadow),
    OURS("nmi blocked", nmi_blocked),
    OURS("pending dr6", pending_dr6),
    FIELD("efer", msr.efer),
    FIELD("star", msr.star),
    FIELD("lstar", msr.lstar),
    FIELD("cstar", msr.cstar),
    FIELD("sfmask", msr.sfmask),
    FIELD("kernel_gs_base", msr.kernel_gs_base),
    FIELD("sysenter_cs", msr.sysenter_cs),
    FIELD("sysenter_esp", msr.sysenter_esp),
    FIELD("sysenter_eip", msr.sysenter_eip),
    OURS("pat", msr.pat),
    OURS("tsc_aux", msr.tsc_aux),
    OURS("other msrs", msr),
    FIELD("x87 control word", fx.fcw),
    FIELD("x87 status word", fx.fsw),
    FIELD("x87 tag word", fx.ftw),
    OURS("x87 opcode", fx.fop),
    OURS("x87 instruction pointer", fx.fip),
    OURS("x87 data pointer", fx.fdp),
    FIELD("mxcsr", fx.mxcsr),
};

const u8* At(const CpuState& state, size_t offset) {
  return reinterpret_cast<const u8*>(&state) + offset;
}

u64 WordAt(const CpuState& state, const Field& field) {
  u64 value = 0;
  std::memcpy(&value, At(state, field.offset), field.size);
  return value & field.mask;
}

bool IsSameField(const CpuState& a, const CpuState& b, const Field& field) {
  return field.size <= 8 ? WordAt(a, field) == WordAt(b, field)
                         : std::memcmp(At(a, field.offset), At(b, field.offset), field.size) == 0;
}

std::string Hex(std::span<const u8> bytes) {
  std::string text;
  for (size_t i = bytes.size(); i-- > 0;) {
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

std::string ValueText(const CpuState& state, const Field& field) {
  if (field.name == "rflags") {
    return fmt::format("{:#x} {}", state.rflags, FlagNames(state.rflags));
  }
  return field.size <= 8 ? fmt::format("{:#x}", WordAt(state, field))
                         : Hex({At(state, field.offset), field.size});
}

class Finder {
 public:
  Finder(const CpuState& master, const CpuState& replica, Strictness strictness)
      : master_(master), replica_(replica), is_all_(strictness == Strictness::kAll) {}

  std::vector<Difference> Find() {
    AddGprs();
    AddFields();
    AddSegments();
    AddTables();
    AddX87();
    AddVectors();
    return std::move(found_);
  }

 private:
  void AddGprs();
  void AddFields();
  void AddSegments();
  void AddTables();
  void AddX87();
  void AddVectors();
  void AddSegment(std::string_view name, const cpu::Segment& a, const cpu::Segment& b);
  void AddBytes(std::string name, std::span<const u8> a, std::span<const u8> b);

  const CpuState& master_;
  const CpuState& replica_;
  const bool is_all_;
  std::vector<Difference> found_;
};

// Outside 64-bit mode the upper halves are undefined when that is entered again.
void Finder::AddGprs() {
  static constexpr std::string_view kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                "r12", "r13", "r14", "r15"};
  const u64 low_mask = master_.In64BitMode() ? ~u64{0} : 0xffffffff;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    const u64 mask = i < 8 ? low_mask : ~u64{0};
    if (((master_.gpr[i] ^ replica_.gpr[i]) & mask) != 0) {
      found_.push_back({std::string(kNames[i]), fmt::format("{:#x}", master_.gpr[i]),
                        fmt::format("{:#x}", replica_.gpr[i])});
    }
  }
}

void Finder::AddFields() {
  for (const Field& field : kFields) {
    if ((is_all_ || field.is_kvms) && !IsSameField(master_, replica_, field)) {
      found_.push_back(
          {std::string(field.name), ValueText(master_, field), ValueText(replica_, field)});
    }
  }
}

// KVM has other bits for segments that cannot be used.
void Finder::AddSegment(std::string_view name, const cpu::Segment& a, const cpu::Segment& b) {
  const auto text = [](const cpu::Segment& segment) {
    return fmt::format("{:04x} base {:#x} limit {:#x} attributes {:#x}", segment.selector,
                       segment.base, segment.limit, segment.attributes);
  };
  const bool is_used = is_all_ || (a.is_present() && b.is_present());
  const bool is_same = a.selector == b.selector && a.base == b.base &&
                       (!is_used || (a.limit == b.limit && a.attributes == b.attributes));
  if (!is_same) {
    found_.push_back({std::string(name), text(a), text(b)});
  }
}

void Finder::AddSegments() {
  static constexpr std::string_view kNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    AddSegment(kNames[i], master_.seg[i], replica_.seg[i]);
  }
  AddSegment("ldtr", master_.ldtr, replica_.ldtr);
  AddSegment("tr", master_.tr, replica_.tr);
}

void Finder::AddTables() {
  const auto add = [&](const char* name, const cpu::DescriptorTable& a,
                       const cpu::DescriptorTable& b) {
    if (a.base != b.base || a.limit != b.limit) {
      found_.push_back({name, fmt::format("{:#x} limit {:#x}", a.base, a.limit),
                        fmt::format("{:#x} limit {:#x}", b.base, b.limit)});
    }
  };
  add("gdtr", master_.gdtr, replica_.gdtr);
  add("idtr", master_.idtr, replica_.idtr);
}

void Finder::AddBytes(std::string name, std::span<const u8> a, std::span<const u8> b) {
  if (std::memcmp(a.data(), b.data(), a.size()) != 0) {
    found_.push_back({std::move(name), Hex(a), Hex(b)});
  }
}

void Finder::AddX87() {
  for (size_t i = 0; i < 8; ++i) {
    AddBytes(fmt::format("st{}", i), std::span(master_.fx.st[i]).first(10),
             std::span(replica_.fx.st[i]).first(10));
  }
}

void Finder::AddVectors() {
  for (size_t i = 0; i < 32; ++i) {
    AddBytes(fmt::format("zmm{}", i), master_.vec.zmm[i], replica_.vec.zmm[i]);
  }
  for (size_t i = 0; i < 8; ++i) {
    if (master_.vec.k[i] != replica_.vec.k[i]) {
      found_.push_back({fmt::format("k{}", i), fmt::format("{:#x}", master_.vec.k[i]),
                        fmt::format("{:#x}", replica_.vec.k[i])});
    }
  }
}

}  // namespace

std::string FlagNames(u64 flags) {
  static constexpr std::pair<unsigned, const char*> kNames[] = {
      {0, "CF"},  {2, "PF"},  {4, "AF"},  {6, "ZF"},  {7, "SF"},  {8, "TF"},  {9, "IF"},
      {10, "DF"}, {11, "OF"}, {14, "NT"}, {16, "RF"}, {17, "VM"}, {18, "AC"}, {21, "ID"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if (Bit(flags, bit)) {
      text += text.empty() ? name : fmt::format(" {}", name);
    }
  }
  return text;
}

bool IsSame(const CpuState& master, const CpuState& replica, Strictness strictness) {
  return std::memcmp(&master, &replica, offsetof(CpuState, instructions)) == 0 ||
         FindDifferences(master, replica, strictness).empty();
}

std::vector<Difference> FindDifferences(const CpuState& master, const CpuState& replica,
                                        Strictness strictness) {
  return Finder(master, replica, strictness).Find();
}

}  // namespace tandem::accel::lockstep
