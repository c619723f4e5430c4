#include "accel/kvm/vm.h"

#include <algorithm>
#include <cstring>

#include "accel/kvm/host.h"
#include "accel/kvm/ioctl.h"
#include "accel/kvm/list.h"
#include "base/log.h"

namespace tandem::accel::kvm {
namespace {

// Four pages for hosts whose VMX cannot run real mode, below the largest flash of firmware.
// api.rst, KVM_SET_IDENTITY_MAP_ADDR and KVM_SET_TSS_ADDR.
constexpr u64 kIdentityMap = 0xfeffc000;
constexpr u64 kTss = kIdentityMap + kPageSize;

Error WhyNoVm(int error) {
  if (HostHasVirtualisation()) {
    return Fail(
        "kvm: cannot create a virtual machine: {}; does another hypervisor hold the "
        "processor? -accel dbt works without",
        std::strerror(error));
  }
  return Fail(
      "kvm: cannot create a virtual machine: {}; the processor offers neither VMX nor SVM: "
      "use -accel dbt",
      std::strerror(error));
}

}  // namespace

Vm::Vm(UniqueFd system, UniqueFd fd, const KvmOptions& options)
    : options_(options), system_(std::move(system)), fd_(std::move(fd)) {
  run_size_ = static_cast<size_t>(Call(system_.get(), KVM_GET_VCPU_MMAP_SIZE, 0));
  slots_ =
      std::make_unique<MemorySlots>(fd_.get(), static_cast<u32>(Extension(KVM_CAP_NR_MEMSLOTS)));
}

Result<std::unique_ptr<Vm>> Vm::Create(const KvmOptions& options) {
  auto system = OpenKvm(options.path);
  if (!system) {
    return system.error();
  }
  UniqueFd fd(Call(system->get(), KVM_CREATE_VM, 0));
  if (!fd.valid()) {
    return WhyNoVm(errno);
  }
  std::unique_ptr<Vm> vm(new Vm(std::move(*system), std::move(fd), options));
  vm->ReadCpuid();
  vm->SetUp();
  return vm;
}

int Vm::Extension(int capability) const { return Call(fd_.get(), KVM_CHECK_EXTENSION, capability); }

// E2BIG until there is room for all.
void Vm::ReadCpuid() {
  constexpr u32 kMost = 4096;
  for (u32 count = 128; count <= kMost; count *= 2) {
    List<kvm_cpuid_entry2> list{std::vector<kvm_cpuid_entry2>(count)};
    if (Call(system_.get(), ForList(KVM_GET_SUPPORTED_CPUID), list.data()) != 0) {
      continue;
    }
    for (u32 i = 0; i < list.count(); ++i) {
      cpuid_.push_back(list.at(i));
    }
    return;
  }
}

void Vm::SetUp() {
  const u64 identity_map = kIdentityMap;
  MustCall(fd_.get(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
  MustCall(fd_.get(), KVM_SET_TSS_ADDR, kTss);
  // So that user code's instructions are reported too, which become #UD otherwise.
  if (options_.has_fallback && Extension(KVM_CAP_EXIT_ON_EMULATION_FAILURE) > 0) {
    kvm_enable_cap enable{};
    enable.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE;
    enable.args[0] = 1;
    MustCall(fd_.get(), KVM_ENABLE_CAP, &enable);
  }
}

kvm_cpuid_entry2 Vm::SupportedLeaf(u32 leaf, u32 subleaf) const {
  const auto found = std::find_if(cpuid_.begin(), cpuid_.end(), [&](const kvm_cpuid_entry2& e) {
    return e.function == leaf && e.index == subleaf;
  });
  return found == cpuid_.end() ? kvm_cpuid_entry2{} : *found;
}

u64 Vm::SupportedXcr0() const {
  const kvm_cpuid_entry2 leaf = SupportedLeaf(0xd);
  return u64{leaf.edx} << 32 | leaf.eax;
}

}  // namespace tandem::accel::kvm
