#include <cstdio>
#include <cstdlib>
#include <thread>
#include "base/log.h"
#include "frontend/machine/machine.h"
using namespace tandem; using namespace tandem::frontend;
int main(int, char** argv) {
  MachineConfig c; c.ram_bytes = 256u<<20; if (argv[1][0]) {c.kernel=argv[1]; c.initrd=argv[2]; c.append=argv[3];} if (getenv("BIOS")) c.bios=getenv("BIOS"); if (getenv("CD")) { DriveConfig d; d.file=getenv("CD"); d.media=DriveMedia::kCdrom; c.drives.push_back(d);} if (getenv("HD")) { DriveConfig d; d.file=getenv("HD"); d.format="raw"; c.drives.push_back(d);} if (getenv("DC")) { ChardevConfig d; d.id="dc"; d.type=CharType::kFile; d.path=getenv("DC"); c.chardevs.push_back(d); c.debugcon="dc"; DeviceConfig x; x.driver="isa-debugcon"; x.properties={{"chardev","dc2"},{"iobase","0x402"}}; ChardevConfig d2=d; d2.id="dc2"; d2.path+=".402"; c.chardevs.push_back(d2); c.devices.push_back(x);}  c.reboots=false;
  {ChardevConfig d; d.id="s0"; d.type=CharType::kStdio; d.mux=true; c.chardevs.push_back(d);} c.serial={"s0"};
  if (getenv("LOGI")) SetLogItems(strtoul(getenv("LOGI"),0,0));
  if (getenv("SMP")) c.smp.cpus=c.smp.max_cpus=c.smp.cores=atoi(getenv("SMP"));
  if (getenv("CPU")) c.cpu=getenv("CPU");
  EventLoop loop; int rc=0;
  auto m = Machine::Build(c, loop, [&](MachineEnd e){ rc=e.status; fprintf(stderr,"end %d\n",(int)e.reason); loop.Stop(); });
  if (!m) { fprintf(stderr,"%s\n", m.error().message.c_str()); return 1; }
  (*m)->Start(); loop.Run(); return rc;
}
