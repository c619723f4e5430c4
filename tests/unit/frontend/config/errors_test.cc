#include "tests/unit/frontend/config/command.h"

namespace tandem::frontend {
namespace {

struct ErrorRow {
  const char* command;
  const char* part;  // of the message
};

constexpr ErrorRow kRows[] = {
    // Options
    {"-m 256 -nografic", "-nografic (argument 3): unknown option: did you mean '-nographic'?"},
    {"--kernl x", "--kernl (argument 1): unknown option: did you mean '-kernel'?"},
    {"-xyzzyplugh", "-xyzzyplugh (argument 1): unknown option"},
    {"-nographic -m", "-m (argument 2): needs a value: SIZE"},
    // Devices
    {"-global isa-debug-exut.iobase=1", "unknown device 'isa-debug-exut': did you mean"},
    {"-global isa-debug-exit", "unknown property"},
    {"-global kvm-pit.lost_tick_policy=never", "lost_tick_policy"},
    // Memory
    {"-m 0", "-m 0 (argument 1): the machine needs at least 1 MiB"},
    {"-m 1023k", "at least 1 MiB"},
    {"-m 1P", "more memory than the 1023 GiB"},
    {"-m 20E", "size=20E is not a size"},
    {"-m 99999999999999999999", "is not a size"},
    {"-m -5", "is not a size"},
    {"-m 12Q", "is not a size"},
    {"-m 1.2.3G", "is not a size"},
    {"-m size=1G,slots=2,maxmem=4G", "hot-plug"},
    {"-m 1G,sice=2", "unknown property 'sice': did you mean 'size'?"},
    {"-m {\"size\":", "JSON object is malformed"},
    {"-m {\"sizes\":1}", "unknown property 'sizes': did you mean 'size'?"},
    // Processors
    {"-smp 0", "cpus=0 is not in 1..65535"},
    {"-smp 256", "256 processors are more than the 255"},
    {"-smp -1", "cpus=-1 is not a number"},
    {"-smp two", "cpus=two is not a number"},
    {"-smp 4,sockets=2,cores=1,threads=1", "is not maxcpus (4)"},
    {"-smp 3,sockets=2", "is not maxcpus (3)"},
    {"-smp 4,maxcpus=2", "4 processors are more than maxcpus (2)"},
    {"-smp 2,core=2", "unknown property 'core': did you mean 'cores'?"},
    {"-smp sockets=65535,cores=65535,threads=65535", "more than the 255"},
    {"-smp 2,dies=2", "dies=2 is not in 1..1"},
    {"-cpu ", "model is missing"},
    // Machine and accelerator
    {"-machine q35", "machine type 'q35' is not there yet: use pc"},
    {"-M pc-q35-7.2", "is not there yet: use pc"},
    {"-machine i440", "unknown machine type 'i440': did you mean 'i440fx'?"},
    {"-machine pc,hpett=off", "unknown property 'hpett': did you mean 'hpet'?"},
    {"-machine pc,hpet=maybe", "hpet=maybe is neither on nor off"},
    {"-machine pc,acpi=off", "acpi=off is not there yet"},
    {"-machine kernel-irqchip=maybe", "kernel-irqchip=maybe is neither on nor off nor split"},
    {"-accel kvm,kernel-irqchip=1", "kernel-irqchip=1 is neither on nor off nor split"},
    {"-accel kvm,fallback=maybe", "fallback=maybe is neither on nor off"},
    {"-accel kvm,jit=off", "unknown property 'jit'"},
    {"-accel tgc", "unknown accelerator 'tgc': did you mean 'tcg'?"},
    {"-accel dbt,jit=maybe", "jit=maybe is neither on nor off"},
    {"-accel dbt,lockstep=intrp", "lockstep=intrp"},
    {"-accel dbt,lockstep-for=5", "goes with lockstep=interp or lockstep=kvm"},
    {"-accel dbt,lockstep=interp,lockstep-for=0", "lockstep-for=0"},
    {"-accel dbt,lockstep=interp,jit=off", "leave out jit=off"},
    {"-accel kvm,lockstep=interp", "unknown property 'lockstep'"},
    {"-accel dbt,jt=on", "unknown property 'jt': did you mean 'jit'?"},
    {"-no-acpi", "not there yet"},
    // Names and time
    {"-uuid 1234", "not a UUID"},
    {"-uuid 01234567-89ab-cdef-0123-456789abcdeg", "not a UUID"},
    {"-rtc base=yesterday", "neither utc nor localtime nor a date"},
    {"-rtc base=2024-02-30", "neither utc nor localtime nor a date"},
    {"-rtc clock=wall", "clock=wall is not one of host, rt, vm"},
    {"-icount shift=auto", "shift=auto is not there yet"},
    {"-icount 11", "shift=11 is not in 0..10"},
    {"-icount 1,align=on", "align=on is not there yet"},
    {"-icount 1,sleep=off", "sleep=off is not there yet"},
    // Boot
    {"-kernel ", "file name is empty"},
    {"-boot order=cx", "'x' is none of"},
    {"-boot cc", "'c' is there twice"},
    {"-boot menu=1", "menu=1 is neither on nor off"},
    {"-boot splash-time=70000", "is not in 0..65535"},
    {"-fw_cfg opt/x", "exactly one of file= and string="},
    {"-fw_cfg opt/x,file=a,string=b", "exactly one of file= and string="},
    {"-fw_cfg string=b", "name= needs 1 to 55 characters"},
    // Drives
    {"-drive if=virtio,file=x", "if=virtio is not there yet"},
    {"-drive if=ida,file=x", "if=ida is not one of"},
    {"-drive fil=x", "unknown property 'fil': did you mean 'file'?"},
    {"-drive if=ide", "file= is missing"},
    {"-hda ", "file name is empty"},
    {"-hda a -drive file=b,index=0", "another drive is at index 0"},
    {"-hda a -drive file=b,bus=0,unit=0", "another drive is at index 0 (bus 0, unit 0)"},
    {"-cdrom a -hdc b", "another drive is at index 2"},
    {"-drive file=a,index=4", "index=4 is not in 0..3"},
    {"-drive file=a,index=1,unit=1", "give one of them"},
    {"a b", "another drive is at index 0"},
    {"-hda a -hdb b -cdrom c -hdd d -drive file=e", "only 4 such drives"},
    {"-drive file=a,id=x -drive file=b,id=x", "the id 'x' is used twice"},
    {"-drive file=a,cache=no", "cache=no is not one of"},
    {"-drive file=a,media=tape", "media=tape is not one of disk, cdrom"},
    {"-drive if=pflash,media=cdrom", "no CD-ROM drive"},
    // Streams
    {"-serial stdoi", "unknown stream 'stdoi': did you mean 'stdio'?"},
    {"-serial telnet:localhost:1,server", "not there yet"},
    {"-serial tcp:localhost", "tcp:HOST:PORT"},
    {"-serial file:", "file name is empty"},
    {"-serial unix:/x,servr", "unknown property 'servr': did you mean 'server'?"},
    {"-serial null -serial null -serial null -serial null -serial null", "only 4 serial ports"},
    {"-serial stdio -serial stdio", "taken already by -serial stdio (argument 1)"},
    {"-nographic -debugcon stdio", "taken already"},
    {"-debugcon null -debugcon null", "one debug console only"},
    {"-chardev file,id=a", "path= is missing"},
    {"-chardev null", "id= is missing"},
    {"-chardev nul,id=a,path=x", "unknown stream type 'nul': did you mean 'null'?"},
    {"-chardev null,id=a -chardev null,id=a", "the id 'a' is used twice"},
    {"-chardev socket,id=a", "exactly one of path= (unix) and port="},
    {"-chardev socket,id=a,path=x,server=on,reconnect=1", "reconnect= is for clients"},
    {"-chardev ringbuf,id=a,size=1000", "not a power of two"},
    {"-chardev stdio,id=a,path=x", "unknown property 'path'"},
    // Devices and screens
    {"-device isa-debug-exti", "unknown device 'isa-debug-exti': did you mean 'isa-debug-exit'?"},
    {"-monitor stdio", "the monitor is not there yet: use none"},
    {"-display gtk", "no such display is there yet: use none"},
    {"-vga cirrus", "no such display adapter is there yet: use std, none"},
    {"-nic user", "network cards are not there yet"},
    // Running
    {"-d int,in_ams", "unknown log item 'in_ams': did you mean 'in_asm'?"},
    {"-action reboot=never", "reboot=never is not one of reset, shutdown"},
    {"-pidfile ", "file name is empty"},
};

}  // namespace

TEST_CASE("command line: each mistake is told in one line with its place") {
  for (const ErrorRow& row : kRows) {
    CAPTURE(std::string(row.command));
    const Result<Invocation> command = Command(row.command);
    REQUIRE_FALSE(command.ok());
    const std::string& message = command.error().message;
    CAPTURE(message);
    CHECK_NE(message.find(row.part), std::string::npos);
    CHECK_EQ(message.find('\n'), std::string::npos);
    CHECK_NE(message.find("(argument "), std::string::npos);
  }
}

TEST_CASE("command line: lockstep follows one processor, wherever the others are asked for") {
  for (const char* const words : {"-accel dbt,lockstep=interp -smp 2", "-smp 2 -accel dbt,lockstep=kvm"}) {
    const Result<Invocation> command = Command(words);
    REQUIRE_FALSE(command.ok());
    CHECK_NE(command.error().message.find("use -smp 1"), std::string::npos);
  }
}

TEST_CASE("command line: control characters of the user do not break the line") {
  const std::string words[] = {"-append\nx"};
  const Result<Invocation> command = ParseCommandLine(words);
  REQUIRE_FALSE(command.ok());
  CHECK_EQ(command.error().message.find('\n'), std::string::npos);
}

}  // namespace tandem::frontend
