#include "tests/accel/rig.h"

#include <chrono>
#include <fstream>
#include <future>
#include <thread>

#include "base/bits.h"
#include "cpu/state/model_parser.h"
#include "devices/irqchip/soft_irq_chip.h"
#include "devices/irqchip/split_irq_chip.h"
#include "tests/support/flat_mode.h"

namespace tandem::accel::tests {
namespace {

constexpr std::chrono::seconds kPatience{20};

}  // namespace

std::string Reports::WaitFor(size_t count) {
  UniqueLock lock(mu_);
  changed_.wait_for(lock, kPatience, [&] { return text_.size() >= count; });
  return text_;
}

void Reports::DoWrite(u64, std::span<const std::byte> data) {
  text_ += static_cast<char>(data[0]);
  changed_.notify_all();
}

Rig::Rig(Engine engine, const std::string& image, u32 vcpus, bool has_fallback)
    : accelerator(MakeAccelerator(engine, has_fallback)),
      run([this](devices::VcpuId, const Exit& exit) {
        MutexLock lock(mu_);
        exit_ = exit;
        changed_.notify_all();
      }) {
  if (!image.empty()) {
    std::ifstream file("tests/accel/" + image + ".bin", std::ios::binary);
    REQUIRE(file.good());
    file.read(reinterpret_cast<char*>(ram->data() + kStart), 0x2000);
  }
  tandem::tests::PutFlatGdt(ram->data());
  REQUIRE(memory.MapRam(Gpa(0), kRamSize, ram, 0, false).ok());
  REQUIRE(ports.MapIo(Gpa(0xe9), 1, reports).ok());
  irqs = std::make_unique<IrqSwitch>(MakeIrqs(vcpus));
  events = std::make_unique<devices::IrqEventTable>(loop, *irqs);
  AttachEvents();
  MakePit();
  model = cpu::ParseCpuModel("max", accelerator->Features(), {1, vcpus, 1}, vcpus).value().model;
  for (auto& vcpu : MakeVcpus(vcpus)) {
    run.Add(std::move(vcpu));
  }
  SetState(StartState());
  clock.Resume();
  io_thread_ = std::thread([this] { loop.Run(); });
}

Rig::~Rig() {
  run.Stop();
  loop.Stop();
  io_thread_.join();
}

std::vector<std::unique_ptr<Vcpu>> Rig::MakeVcpus(u32 count) {
  std::vector<std::unique_ptr<Vcpu>> vcpus;
  for (u32 id = 0; id < count; ++id) {
    auto vcpu = accelerator->MakeVcpu(id, model, Env());
    REQUIRE_MESSAGE(vcpu.ok(), (vcpu.ok() ? "" : vcpu.error().message));
    vcpus.push_back(std::move(*vcpu));
  }
  return vcpus;
}

void Rig::Map(devices::AddressSpace& space, u64 address, u64 length,
              std::shared_ptr<devices::Device> device, u64 device_offset) {
  const auto id = space.MapIo(Gpa(address), length, std::move(device), device_offset);
  REQUIRE(id.ok());
  mapped_.emplace_back(&space, *id);
}

void Rig::UnmapIrqs() {
  for (const auto& [space, id] : std::exchange(mapped_, {})) {
    space->Unmap(id);
  }
}

std::unique_ptr<devices::StatefulIrqChip> Rig::MakeIrqs(u32 vcpus) {
  using devices::PcIrqChip;
  auto made = accelerator->MakeIrqs(vcpus);
  REQUIRE(made.ok());
  kernel_irqs_ = std::move(*made);
  latches_ = nullptr;
  if (kernel_irqs_.chip) {
    return std::move(kernel_irqs_.chip);
  }
  std::unique_ptr<PcIrqChip> chip;
  if (kernel_irqs_.apics != nullptr) {
    chip = std::make_unique<devices::SplitIrqChip>(*kernel_irqs_.apics, run);
  } else {
    chip = std::make_unique<devices::SoftIrqChip>(vcpus, clock, run);
  }
  latches_ = chip.get();
  Map(ports, PcIrqChip::kMasterPort, PcIrqChip::kPortLength, chip->MakeMasterPorts());
  Map(ports, PcIrqChip::kSlavePort, PcIrqChip::kPortLength, chip->MakeSlavePorts());
  Map(ports, PcIrqChip::kElcrPort, PcIrqChip::kPortLength, chip->MakeElcrPorts());
  Map(memory, devices::IoApic::kBase, devices::IoApic::kLength, chip->MakeIoApicWindow());
  return chip;
}

void Rig::MakePit() {
  using devices::Pit;
  if (kernel_irqs_.pit == nullptr) {
    own_pit_ = std::make_shared<Pit>(clock, devices::IrqLine(*irqs, 0));
    Map(ports, Pit::kPort, Pit::kLength, own_pit_);
    Map(ports, Pit::kControlPortB, 1, own_pit_, Pit::kControlOffset);
  }
}

void Rig::StopTime() {
  clock.Pause();
  std::promise<void> done;
  loop.Post([&] { done.set_value(); });
  done.get_future().wait();
}

void Rig::MoveTo(Engine engine, const std::function<void()>& meanwhile) {
  StopTime();
  events->Detach();
  const auto old = std::exchange(accelerator, MakeAccelerator(engine));
  run.MoveTo([&, this] {
    const auto vcpus = static_cast<u32>(run.vcpu_count());
    const devices::PitState pit = Pit().SavePit();
    const devices::IrqState state = irqs->Save();
    meanwhile();
    UnmapIrqs();
    own_pit_.reset();
    irqs->Replace(MakeIrqs(vcpus));
    auto made = MakeVcpus(vcpus);
    irqs->Load(state);
    MakePit();
    Pit().LoadPit(pit);
    return made;
  });
  AttachEvents();
  clock.Resume();
}

std::optional<Exit> Rig::WaitForExit() {
  UniqueLock lock(mu_);
  changed_.wait_for(lock, kPatience, [&] { return exit_.has_value(); });
  return std::exchange(exit_, std::nullopt);
}

void Rig::PauseWhenHalted() {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  run.Pause();
  while (State().activity != cpu::Activity::kHalted && std::chrono::steady_clock::now() < end) {
    run.Resume();
    std::this_thread::yield();
    run.Pause();
  }
  REQUIRE_EQ(State().activity, cpu::Activity::kHalted);
}

cpu::CpuState Rig::State(u32 vcpu) {
  cpu::CpuState state;
  run.vcpu(vcpu).Save(state);
  return state;
}

cpu::CpuState Rig::StartState() const { return tandem::tests::FlatState(kStart); }

u32 Rig::Word(u64 address) const { return LoadLe<u32>(ram->data() + address); }

void Rig::SetWord(u64 address, u32 value) { StoreLe(ram->data() + address, value); }

}  // namespace tandem::accel::tests
