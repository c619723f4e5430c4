#include "accel/kvm/doorbells.h"

#include <array>

#include "devices/bus/event_fd.h"

// doctest's CHECK takes the place of base's, so its header comes last.
#include <doctest/doctest.h>

namespace tandem::accel::kvm {
namespace {

class Register final : public devices::Device {
 public:
  int writes = 0;

 private:
  void DoRead(u64, std::span<std::byte> data) override { devices::SetAccessValue(data, 0); }
  void DoWrite(u64, std::span<const std::byte>) override { ++writes; }
  void DoReset() override {}
};

}  // namespace

TEST_CASE("doorbells: those that KVM refuses ring by way of the map") {
  constexpr int kNoVm = -1;
  devices::AddressSpace space;
  const auto device = std::make_shared<Register>();
  const auto event = *devices::EventFd::Create();
  const auto id = space.MapIo(Gpa(0x1000), 4, device);
  REQUIRE(id.ok());
  KernelDoorbells doorbells(kNoVm, space, /*is_ports=*/false, /*takes_any_size=*/true);
  space.SetDoorbells(*device, {{.size = 2, .event = event}});
  const std::array<std::byte, 2> data{};
  (void)space.View()->Write(Gpa(0x1000), data);
  CHECK_EQ(event->Take(), 1);
  CHECK_EQ(device->writes, 0);
  space.Move(*id, Gpa(0x2000));
  (void)space.View()->Write(Gpa(0x2000), data);
  CHECK_EQ(event->Take(), 1);
  space.SetDoorbells(*device, {});
  (void)space.View()->Write(Gpa(0x2000), data);
  CHECK_EQ(event->Take(), 0);
  CHECK_EQ(device->writes, 1);
}

}  // namespace tandem::accel::kvm
