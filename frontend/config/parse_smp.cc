#include "base/log.h"
#include "frontend/config/draft.h"

// -smp and -cpu.
namespace tandem::frontend {
namespace {

constexpr u64 kMaxCpus = 255;  // local APIC ids of 8 bits; 255 is the broadcast id

// What was not given follows from the rest, cores before sockets as with QEMU since 6.2.
SmpConfig WorkOut(const SmpDraft& draft) {
  u64 sockets = draft.sockets.value_or(0);
  u64 cores = draft.cores.value_or(0);
  u64 threads = draft.threads.value_or(0);
  u64 max_cpus = draft.max_cpus.value_or(draft.cpus.value_or(0));
  const auto at_least_one = [](u64 value) { return value == 0 ? 1 : value; };
  if (max_cpus == 0 || cores == 0) {
    sockets = at_least_one(sockets);
    threads = at_least_one(threads);
    cores = cores != 0 ? cores : at_least_one(max_cpus / (sockets * threads));
  } else if (sockets == 0) {
    threads = at_least_one(threads);
    sockets = at_least_one(max_cpus / (cores * threads));
  }
  if (threads == 0) {
    threads = at_least_one(max_cpus / (sockets * cores));
  }
  if (max_cpus == 0) {
    max_cpus = sockets * cores * threads;
  }
  SmpConfig smp;
  smp.max_cpus = static_cast<u32>(max_cpus);
  smp.cpus = static_cast<u32>(draft.cpus.value_or(max_cpus));
  smp.sockets = static_cast<u32>(sockets);
  smp.cores = static_cast<u32>(cores);
  smp.threads = static_cast<u32>(threads);
  return smp;
}

Result<void> CheckSmp(const SmpConfig& smp, const std::string& where) {
  const u64 places = u64{smp.sockets} * smp.cores * smp.threads;
  if (places > kMaxCpus || smp.max_cpus > kMaxCpus) {
    return Fail("{}: {} processors are more than the {} that this machine can have", where,
                std::max<u64>(places, smp.max_cpus), kMaxCpus);
  }
  if (places != smp.max_cpus) {
    return Fail("{}: sockets ({}) * cores ({}) * threads ({}) is not maxcpus ({})", where,
                smp.sockets, smp.cores, smp.threads, smp.max_cpus);
  }
  if (smp.cpus > smp.max_cpus) {
    return Fail("{}: {} processors are more than maxcpus ({})", where, smp.cpus, smp.max_cpus);
  }
  return {};
}

}  // namespace

Result<void> ParseSmp(Draft& draft, const Argument& argument) {
  auto keys = ReadKeys(argument, "cpus");
  if (!keys) {
    return keys.error();
  }
  SmpDraft smp;
  const auto count = [&](std::string_view key) { return keys->Number(key, 1, 65535); };
  smp.cpus = count("cpus");
  smp.sockets = count("sockets");
  smp.cores = count("cores");
  smp.threads = count("threads");
  smp.max_cpus = count("maxcpus");
  smp.where = argument.where;
  keys->Number("dies", 1, 1);
  keys->Number("clusters", 1, 1);
  draft.smp = std::move(smp);
  return keys->Finish();
}

Result<void> CompleteSmp(Draft& draft) {
  if (!draft.smp) {
    return {};
  }
  draft.out.machine.smp = WorkOut(*draft.smp);
  return CheckSmp(draft.out.machine.smp, draft.smp->where);
}

Result<void> ParseCpu(Draft& draft, const Argument& argument) {
  if (argument.value == "help" || argument.value == "?") {
    draft.out.request = Request::kCpuHelp;
  } else if (argument.value.empty()) {
    return Fail("{}: the processor model is missing", argument.where);
  }
  draft.out.machine.cpu = argument.value;
  return {};
}

}  // namespace tandem::frontend
