#include "accel/kvm/host.h"

#include <cpuid.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <sys/stat.h>

#include <cstring>

#include "accel/kvm/ioctl.h"
#include "base/bits.h"
#include "base/log.h"

// Whether there is a KVM to be used, and if not, why.
namespace tandem::accel::kvm {
namespace {

struct Capability {
  int number;
  const char* name;
};

// api.rst names each; all are in Linux 5.4 and later.
constexpr Capability kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE"},
    {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS"},
    {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS"},
    {KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS"},
    {KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"},
};

std::string GroupOf(const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) {
    return "kvm";
  }
  const group* const entry = ::getgrgid(status.st_gid);
  return entry != nullptr ? entry->gr_name : std::to_string(status.st_gid);
}

Error WhyNotOpened(const char* path, int error) {
  if (error == ENOENT || error == ENODEV || error == ENXIO) {
    return HostHasVirtualisation()
               ? Fail("kvm: there is no {}: load the module ('modprobe kvm_intel' or 'kvm_amd')",
                      path)
               : Fail(
                     "kvm: there is no {}, and the processor offers neither VMX nor SVM: enable "
                     "virtualisation in the firmware's setup or, in a virtual machine, nesting; or "
                     "use -accel dbt",
                     path);
  }
  if (error == EACCES || error == EPERM) {
    return Fail(
        "kvm: no permission to open {}: join the group '{}' ('usermod -aG {} $USER', then "
        "log in again), or use -accel dbt",
        path, GroupOf(path), GroupOf(path));
  }
  return Fail("kvm: cannot open {}: {}; use -accel dbt", path, std::strerror(error));
}

}  // namespace

bool HostHasVirtualisation() {
  constexpr unsigned kVmx = 5;  // CPUID.1:ECX
  constexpr unsigned kSvm = 2;  // CPUID.80000001H:ECX
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && Bit(ecx, kVmx)) {
    return true;
  }
  return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) != 0 && Bit(ecx, kSvm);
}

Result<UniqueFd> OpenKvm(const char* path) {
  UniqueFd fd(::open(path, O_RDWR | O_CLOEXEC));
  if (!fd.valid()) {
    return WhyNotOpened(path, errno);
  }
  const int version = Call(fd.get(), KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION) {
    return Fail("kvm: {} speaks version {} of its interface, {} is wanted: use -accel dbt", path,
                version, KVM_API_VERSION);
  }
  for (const Capability& needed : kNeeded) {
    if (Call(fd.get(), KVM_CHECK_EXTENSION, needed.number) <= 0) {
      return Fail("kvm: this kernel's KVM lacks {}: use a newer kernel (5.4 has it), or -accel dbt",
                  needed.name);
    }
  }
  return fd;
}

}  // namespace tandem::accel::kvm
