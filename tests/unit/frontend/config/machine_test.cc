#include "frontend/config/key_values.h"
#include "tests/unit/frontend/config/command.h"

namespace tandem::frontend {

TEST_CASE("command line: nothing given is a PC with a CD-ROM drive and a hint") {
  const Result<Invocation> command = Command("");
  REQUIRE(command.ok());
  const MachineConfig& machine = command->machine;
  CHECK_EQ(machine.machine, "pc");
  CHECK_EQ(machine.cpu, "max");
  REQUIRE_EQ(machine.accels.size(), 1);
  CHECK_EQ(machine.accels[0].kind, AccelKind::kAuto);
  CHECK(machine.accels[0].jit);
  CHECK(!machine.accels[0].precise_flags);
  CHECK_EQ(machine.ram_bytes, u64{128} << 20);
  CHECK(machine.has_vga);
  CHECK(machine.has_display);
  CHECK_EQ(machine.serial, std::vector<std::string>{"serial0"});
  REQUIRE_EQ(machine.drives.size(), 1);
  CHECK_EQ(machine.drives[0].id, "ide1-cd0");
  REQUIRE_EQ(command->hints.size(), 1);
  CHECK_EQ(command->hints[0], "no display yet: use -nographic");
}

TEST_CASE("command line: -m takes MiB, suffixes, properties and JSON") {
  CHECK_EQ(MachineOf("-m 2048").ram_bytes, u64{2} << 30);
  CHECK_EQ(MachineOf("-m 2G").ram_bytes, u64{2} << 30);
  CHECK_EQ(MachineOf("-m size=2g").ram_bytes, u64{2} << 30);
  CHECK_EQ(MachineOf("-m 1.5G").ram_bytes, u64{1536} << 20);
  CHECK_EQ(MachineOf("-m 262144k").ram_bytes, u64{256} << 20);
  CHECK_EQ(MachineOf("-m {\"size\":512}").ram_bytes, u64{512} << 20);
  CHECK_EQ(MachineOf("-m 1048577b").ram_bytes, (u64{1} << 20) + 4096);
  CHECK_EQ(MachineOf("--m 64").ram_bytes, u64{64} << 20);
}

TEST_CASE("command line: -smp works out what was not given, cores first") {
  struct Row {
    const char* value;
    u32 cpus, max_cpus, sockets, cores, threads;
  };
  for (const Row& row : {
           Row{"4", 4, 4, 1, 4, 1},
           Row{"4,sockets=2", 4, 4, 2, 2, 1},
           Row{"8,threads=2", 8, 8, 1, 4, 2},
           Row{"8,cores=2,threads=2", 8, 8, 2, 2, 2},
           Row{"8,cores=4", 8, 8, 2, 4, 1},
           Row{"6,sockets=1,cores=3", 6, 6, 1, 3, 2},
           Row{"2,maxcpus=4", 2, 4, 1, 4, 1},
           Row{"sockets=2,cores=2", 4, 4, 2, 2, 1},
           Row{"255", 255, 255, 1, 255, 1},
           Row{"cpus=2,dies=1", 2, 2, 1, 2, 1},
       }) {
    CAPTURE(row.value);
    const SmpConfig smp = MachineOf(std::string("-smp ") + row.value).smp;
    CHECK_EQ(smp.cpus, row.cpus);
    CHECK_EQ(smp.max_cpus, row.max_cpus);
    CHECK_EQ(smp.sockets, row.sockets);
    CHECK_EQ(smp.cores, row.cores);
    CHECK_EQ(smp.threads, row.threads);
  }
}

TEST_CASE("command line: machine types and properties that libvirt and scripts give") {
  for (const char* text :
       {"-machine pc", "-M pc-i440fx-7.2", "-machine i440fx",
        "-machine pc-i440fx-7.2,usb=off,vmport=off,dump-guest-core=off,accel=tcg,hpet=off",
        "-machine type=pc,kernel-irqchip=split,smm=off,mem-merge=on", "-no-user-config",
        "-accel tcg,thread=single,tb-size=64", "-net none", "-nic none", "-monitor none"}) {
    CAPTURE(text);
    const MachineConfig machine = MachineOf(text);
    CHECK_EQ(machine.name, "");
    CHECK_EQ(machine.machine, "pc");
    CHECK_LE(machine.accels.size(), 1);
  }
  CHECK_FALSE(MachineOf("-machine hpet=off").has_hpet);
  CHECK_FALSE(MachineOf("-no-hpet").has_hpet);
  CHECK_FALSE(MachineOf("-machine graphics=off").has_display);
  CHECK_EQ(MachineOf("-machine kernel=K,append=a").kernel, "K");
}

TEST_CASE("command line: of several accelerators the first that exists counts") {
  for (const char* line : {"-accel kvm -accel tcg", "-machine accel=kvm:tcg", "-accel kvm:dbt",
                           "-accel hax -accel kvm -accel hvf -accel dbt"}) {
    CAPTURE(line);
    const MachineConfig machine = MachineOf(line);
    REQUIRE_EQ(machine.accels.size(), 2);
    CHECK_EQ(machine.accels[0].kind, AccelKind::kKvm);
    CHECK_EQ(machine.accels[1].kind, AccelKind::kDbt);
  }
  CHECK_FALSE(Command("-accel hvf -accel hax").ok());
}

TEST_CASE("command line: what KVM is to do itself") {
  CHECK_EQ(MachineOf("").irqchip, IrqchipMode::kOn);
  CHECK_EQ(MachineOf("-machine kernel-irqchip=off").irqchip, IrqchipMode::kOff);
  const MachineConfig machine = MachineOf("-accel kvm,kernel-irqchip=split,fallback=off");
  CHECK_EQ(machine.irqchip, IrqchipMode::kSplit);
  CHECK_FALSE(machine.accels[0].fallback);
  CHECK_EQ(MachineOf("-enable-kvm").accels[0].kind, AccelKind::kKvm);
}

TEST_CASE(
    "command line: lockstep counts time by instructions, as fast as -icount says if it is given") {
  const MachineConfig plain = MachineOf("-accel dbt,lockstep=interp,lockstep-for=200000000");
  CHECK_EQ(plain.accels[0].lockstep, LockstepWith::kInterpreter);
  CHECK_EQ(plain.accels[0].lockstep_for, 200'000'000);
  CHECK_EQ(plain.icount_shift.value_or(99), 3);
  const MachineConfig counted = MachineOf("-icount shift=6 -accel tcg,lockstep=kvm");
  CHECK_EQ(counted.accels[0].lockstep, LockstepWith::kKvm);
  CHECK_EQ(counted.icount_shift.value_or(99), 6);
  CHECK_FALSE(MachineOf("-accel dbt,lockstep=off").icount_shift.has_value());
}

TEST_CASE("command line: boot options, firmware files and identity") {
  const MachineConfig machine = MachineOf(
      "-kernel K -initrd I -append a=b -bios B -boot order=dc,once=n,menu=on,splash-time=5 "
      "-fw_cfg name=opt/a,string=x -fw_cfg opt/b,file=F -name vm1,debug-threads=on "
      "-uuid 01234567-89ab-cdef-0123-456789abcdef");
  CHECK_EQ(machine.kernel, "K");
  CHECK_EQ(machine.initrd, "I");
  CHECK_EQ(machine.append, "a=b");
  CHECK_EQ(machine.bios, "B");
  CHECK_EQ(machine.boot.order, "dc");
  CHECK_EQ(machine.boot.once, "n");
  CHECK(machine.boot.menu);
  CHECK_EQ(machine.boot.splash_time_ms.value_or(0), 5);
  REQUIRE_EQ(machine.fw_cfg.size(), 2);
  CHECK_EQ(machine.fw_cfg[0].text, "x");
  CHECK_EQ(machine.fw_cfg[1].file, "F");
  CHECK_EQ(machine.name, "vm1");
  CHECK_EQ(machine.uuid[0], 0x01);
  CHECK_EQ(machine.uuid[15], 0xef);
}

TEST_CASE("command line: -rtc and -icount") {
  CHECK_EQ(MachineOf("-rtc base=localtime,clock=vm,driftfix=slew").rtc.base, RtcBase::kLocalTime);
  CHECK_EQ(MachineOf("-rtc base=2024-01-02T03:04:05").rtc.date, 1704164645);
  CHECK_EQ(MachineOf("-rtc 2024-01-02").rtc.date, 1704153600);
  CHECK_EQ(MachineOf("-icount shift=3,align=off,sleep=on").icount_shift.value_or(99), 3);
  CHECK_EQ(MachineOf("-icount 0").icount_shift.value_or(99), 0);
}

TEST_CASE("command line: what ends the emulator") {
  CHECK_FALSE(MachineOf("-no-reboot").reboots);
  CHECK(MachineOf("-no-shutdown").stays_after_shutdown);
  const MachineConfig machine = MachineOf("-action reboot=shutdown,shutdown=pause,panic=none");
  CHECK_FALSE(machine.reboots);
  CHECK(machine.stays_after_shutdown);
}

TEST_CASE("command line: what concerns the process") {
  const Result<Invocation> command =
      Command("-S -pidfile P -D L -d int,guest_errors -name a,process=b -display none");
  REQUIRE(command.ok());
  CHECK(command->starts_paused);
  CHECK_EQ(command->pidfile, "P");
  CHECK_EQ(command->log_file, "L");
  CHECK_EQ(command->log_items, 5);
  CHECK_EQ(command->process_name, "b");
  CHECK(command->hints.empty());
}

TEST_CASE("command line: -global gives a property to devices that do not have it themselves") {
  const MachineConfig machine = MachineOf(
      "-global isa-debug-exit.iobase=0xf4 -device isa-debug-exit -device "
      "isa-debug-exit,iobase=0xf5 "
      "-global driver=isa-debugcon,property=iobase,value=1 -global "
      "kvm-pit.lost_tick_policy=discard");
  REQUIRE_EQ(machine.devices.size(), 2);
  KeyValues first(machine.devices[0].properties, "");
  CHECK_EQ(first.Text("iobase", ""), "0xf4");
  KeyValues second(machine.devices[1].properties, "");
  CHECK_EQ(second.Text("iobase", ""), "0xf5");
}

TEST_CASE("command line: -machine pit=off") {
  CHECK(MachineOf("").has_pit);
  CHECK_FALSE(MachineOf("-machine pit=off").has_pit);
}

TEST_CASE("help: devices stand in quotes, as scripts expect of QEMU") {
  CHECK_NE(HelpText(Request::kDeviceHelp).find("name \"pc-testdev\", bus ISA"), std::string::npos);
}

TEST_CASE("command line: a request for a text stops the reading") {
  struct Row {
    const char* command;
    Request request;
  };
  for (const Row& row :
       {Row{"-help -bogus", Request::kHelp}, Row{"--help", Request::kHelp},
        Row{"-h", Request::kHelp}, Row{"-version", Request::kVersion},
        Row{"-machine help", Request::kMachineHelp}, Row{"-M ?", Request::kMachineHelp},
        Row{"-cpu help", Request::kCpuHelp}, Row{"-accel help", Request::kAccelHelp},
        Row{"-device help", Request::kDeviceHelp}, Row{"-chardev help", Request::kChardevHelp},
        Row{"-d help", Request::kLogHelp}}) {
    CAPTURE(row.command);
    const Result<Invocation> command = Command(row.command);
    REQUIRE(command.ok());
    CHECK_EQ(command->request, row.request);
  }
}

TEST_CASE("help: no line is longer than 80 columns and each option is there") {
  const std::string text = HelpText(Request::kHelp);
  CHECK_NE(text.find("-nographic"), std::string::npos);
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    CHECK_LE(end - start, 80);
    start = end + 1;
  }
}

TEST_CASE("version: under QEMU's name it begins as QEMU's does") {
  CHECK(VersionText("/usr/bin/tandem").starts_with("tandem 0.1"));
  CHECK(VersionText("./qemu-system-x86_64").starts_with("QEMU emulator version 7.2.0 (Tandem"));
}

}  // namespace tandem::frontend
