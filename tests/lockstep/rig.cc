#include "tests/lockstep/rig.h"

#include <fstream>

#include "base/bits.h"
#include "cpu/state/model_parser.h"
#include "devices/bus/device.h"
#include "tests/support/flat_mode.h"

namespace tandem::accel::tests {
namespace {

constexpr u8 kVector = 0x40;
constexpr u64 kPeriodNs = 40'000;  // 5000 instructions

}  // namespace

// Each read answers otherwise: a replica must not ask by itself. After its report the guest halts
// for good, and no timer is to wake it.
class Rig::Ports final : public devices::Device {
 public:
  explicit Ports(std::function<void()> on_report) : on_report_(std::move(on_report)) {}
  const std::string& reports() const { return reports_; }

 private:
  void DoRead(u64, std::span<std::byte> data) override {
    devices::SetAccessValue(data, ++reads_ * 7);
  }
  void DoWrite(u64 port, std::span<const std::byte> data) override {
    if (port == 0xe9) {
      reports_ += static_cast<char>(data[0]);
      on_report_();
    }
  }
  void DoReset() override {}

  const std::function<void()> on_report_;
  u64 reads_ = 0;
  std::string reports_;
};

class Rig::Irqs final : public devices::IrqChip {
 public:
  explicit Irqs(devices::Clock& clock) : clock_(clock), timer_(clock, [this] { OnTimer(); }) {
    timer_.Arm(kPeriodNs);
  }
  void Connect(Vcpu& vcpu) { vcpu_ = &vcpu; }
  void Stop() { timer_.Cancel(); }

  void SetLine(devices::Gsi, bool) override {}
  void SendMsi(devices::MsiMessage) override {}
  std::optional<u8> TakeVector(devices::VcpuId) override {
    is_pending_ = false;
    ++taken_;
    if (on_interrupt_ != nullptr) {
      std::exchange(on_interrupt_, nullptr)();
    }
    return kVector;
  }
  bool HasVector(devices::VcpuId) const override { return is_pending_; }
  devices::LocalApic* Apic(devices::VcpuId) override { return nullptr; }
  void Reset() override {}

  u64 taken() const { return taken_; }
  void OnInterrupt(std::function<void()> call) { on_interrupt_ = std::move(call); }

 private:
  void OnTimer() {
    is_pending_ = true;
    vcpu_->Signal(SignalKind::kInterrupt, 0);
    timer_.Arm(clock_.NowNs() + kPeriodNs);
  }

  devices::Clock& clock_;
  Vcpu* vcpu_ = nullptr;
  bool is_pending_ = false;
  u64 taken_ = 0;
  std::function<void()> on_interrupt_;
  devices::Timer timer_;
};

Rig::Rig(LockstepOptions options, const std::string& image)
    : devices_(std::make_shared<Ports>([this] { irqs_->Stop(); })),
      irqs_(std::make_unique<Irqs>(clock_)) {
  std::ifstream file("tests/lockstep/" + image + ".bin", std::ios::binary);
  REQUIRE(file.good());
  file.read(reinterpret_cast<char*>(ram_->data() + kStart), 0x1000);
  tandem::tests::PutFlatGdt(ram_->data());
  REQUIRE(memory_.MapRam(Gpa(0), kRamSize, ram_, 0, false).ok());
  REQUIRE(memory_.MapIo(Gpa(0xd0000), 0x1000, devices_, 0, {.priority = 1}).ok());
  REQUIRE(ports_.MapIo(Gpa(0), 0x100, devices_).ok());
  options.on_limit = [this] { has_reached_limit_ = true; };
  accelerator_ = MakeLockstepAccelerator(std::move(options));
  model_ = cpu::ParseCpuModel("max", accelerator_->Features(), {1, 1, 1}, 1).value().model;
  auto made = accelerator_->MakeVcpu(0, model_, {memory_, ports_, *irqs_, clock_, &clock_});
  REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
  vcpu_ = std::move(*made);
  irqs_->Connect(*vcpu_);
  vcpu_->Load(tandem::tests::FlatState(kStart));
}

Rig::~Rig() = default;

const std::string& Rig::reports() const { return devices_->reports(); }

u64 Rig::interrupts() const { return irqs_->taken(); }

void Rig::OnInterrupt(std::function<void()> call) { irqs_->OnInterrupt(std::move(call)); }

Exit Rig::Run() { return vcpu_->Run(); }

}  // namespace tandem::accel::tests
