#include "accel/kvm/host.h"

#include <linux/kvm.h>

#include "accel/kvm/kvm_accelerator.h"
#include "accel/kvm/list.h"

// doctest's CHECK takes the place of base's, so its header comes last.
#include <doctest/doctest.h>

// What of accel/kvm needs no KVM.
namespace tandem::accel::kvm {
namespace {

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("kvm: a device that is not there is named, with the way on") {
  const Result<UniqueFd> device = OpenKvm("/dev/no-kvm");
  REQUIRE_FALSE(device.ok());
  CHECK(Contains(device.error().message, "there is no /dev/no-kvm"));
  const bool has_way_on = Contains(device.error().message, "modprobe") ||
                          Contains(device.error().message, "use -accel dbt");
  CHECK(has_way_on);
}

TEST_CASE("kvm: a device that is no KVM is refused") {
  const Result<UniqueFd> device = OpenKvm("/dev/null");
  REQUIRE_FALSE(device.ok());
  CHECK(Contains(device.error().message, "/dev/null speaks version -1"));
  CHECK(Contains(device.error().message, "-accel dbt"));
}

TEST_CASE("kvm: no accelerator is made without a device, and auto is told why") {
  const auto made = MakeKvmAccelerator({.path = "/dev/no-kvm"});
  REQUIRE_FALSE(made.ok());
  CHECK(Contains(made.error().message, "/dev/no-kvm"));
  const Result<void> is_fast = CheckKvmIsFast("/dev/no-kvm");
  REQUIRE_FALSE(is_fast.ok());
  CHECK(Contains(is_fast.error().message, "/dev/no-kvm"));
}

TEST_CASE("kvm: lists have the numbers and the layout that the kernel knows in C") {
  // api.rst: KVM_GET_SUPPORTED_CPUID is number 5 and takes 8 bytes and the entries.
  CHECK_EQ(ForList(KVM_GET_SUPPORTED_CPUID), 0xc008ae05);
  CHECK_EQ(ForList(KVM_SET_MSRS), 0x4008ae89);
  const kvm_msr_entry entries[] = {{.index = 0x10, .reserved = 0, .data = 5},
                                   {.index = 0x11, .reserved = 0, .data = 6}};
  List<kvm_msr_entry> list(entries);
  CHECK_EQ(list.count(), 2);
  CHECK_EQ(list.at(1).index, 0x11);
  CHECK_EQ(list.at(1).data, 6);
  CHECK_EQ(static_cast<const u32*>(list.data())[2], 0x10);
}

}  // namespace tandem::accel::kvm
