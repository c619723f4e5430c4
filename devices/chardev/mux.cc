#include "devices/chardev/mux.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <string>

namespace tandem::devices {
namespace {

constexpr size_t kQueueLimit = 1u << 16;

std::string TimeStamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto second = now.tv_sec % 86400;
  return fmt::format("[{:02}:{:02}:{:02}.{:03}] ", second / 3600, second / 60 % 60, second % 60,
                     now.tv_nsec / 1'000'000);
}

}  // namespace

class Mux::Port final : public CharBackend {
 public:
  explicit Port(Mux& mux) : mux_(mux) {}

  void Write(std::span<const std::byte> data) override { mux_.WriteFrom(data); }
  void SetReceiver(CharReceiver* receiver) override {
    receiver_.store(receiver);
    ResumeInput();
  }
  void ResumeInput() override {
    mux_.loop_.Post([this] { mux_.Feed(*this); });
  }

  Mux& mux_;
  std::atomic<CharReceiver*> receiver_{nullptr};
  std::deque<std::byte> queue_;  // by the mux's lock
};

Mux::Mux(EventLoop& loop, std::unique_ptr<CharBackend> stream, MuxCommands commands)
    : loop_(loop), stream_(std::move(stream)), commands_(std::move(commands)) {}

Mux::~Mux() { stream_->SetReceiver(nullptr); }

CharBackend& Mux::AddPort() {
  {
    MutexLock lock(mu_);
    ports_.push_back(std::make_unique<Port>(*this));
  }
  if (ports_.size() == 1) {
    stream_->SetReceiver(this);
  }
  return *ports_.back();
}

size_t Mux::CanReceive() {
  MutexLock lock(mu_);
  return kQueueLimit - ports_[focus_]->queue_.size();
}

void Mux::Receive(std::span<const std::byte> data) {
  for (const std::byte byte : data) {
    const char key = static_cast<char>(byte);
    if (is_escaped_) {
      is_escaped_ = false;
      Command(key);
    } else if (key == escape_) {
      is_escaped_ = true;
    } else {
      ToFocus(key);
    }
  }
  Feed(*ports_[focus_]);
}

void Mux::OnCharEvent(CharEvent event) {
  if (CharReceiver* receiver = ports_[focus_]->receiver_.load()) {
    receiver->OnCharEvent(event);
  }
}

void Mux::Command(char key) {
  switch (key) {
    case 'x':
    case 'X':
      commands_.quit();
      return;
    case 's':
    case 'S':
      if (commands_.commit_disks) {
        commands_.commit_disks();
      }
      return;
    case 'c':
    case 'C':
      SwitchFocus();
      return;
    case 'b':
    case 'B':
      OnCharEvent(CharEvent::kBreak);
      return;
    case 't':
    case 'T': {
      MutexLock lock(mu_);
      shows_time_ = !shows_time_;
      return;
    }
    case 'h':
    case 'H':
    case '?':
      ShowHelp();
      return;
    default:
      break;
  }
  if (key == escape_ || key == 'a' || key == 'A') {
    ToFocus(escape_);
  }
}

void Mux::ToFocus(char byte) {
  MutexLock lock(mu_);
  std::deque<std::byte>& queue = ports_[focus_]->queue_;
  if (queue.size() < kQueueLimit) {
    queue.push_back(static_cast<std::byte>(byte));
  }
}

void Mux::SwitchFocus() {
  Port* old = nullptr;
  {
    MutexLock lock(mu_);
    old = ports_[focus_].get();
    focus_ = (focus_ + 1) % ports_.size();
  }
  Feed(*old);
  stream_->ResumeInput();
}

void Mux::ShowHelp() {
  const std::string name = escape_ >= 1 && escape_ <= 26
                               ? fmt::format("C-{}", static_cast<char>('a' + escape_ - 1))
                               : std::string(1, escape_);
  std::string help = "\r\n";
  for (const auto& [key, meaning] :
       {std::pair{"h", "this help"}, std::pair{"x", "quit the emulator"},
        std::pair{"s", "write snapshot changes back to the disks"},
        std::pair{"t", "switch time stamps on or off"}, std::pair{"b", "send a break"},
        std::pair{"c", "switch between console and monitor"}}) {
    help += fmt::format("{} {}    {}\r\n", name, key, meaning);
  }
  Show(help + fmt::format("{0} {0}  send {0}\r\n", name));
}

void Mux::Show(std::string_view text) {
  stream_->Write(std::as_bytes(std::span(text.data(), text.size())));
}

// Hands over what the port's receiver takes. The loop's thread.
void Mux::Feed(Port& port) {
  CharReceiver* receiver = port.receiver_.load();
  while (receiver != nullptr) {
    const size_t room = receiver->CanReceive();
    std::vector<std::byte> bytes;
    bool was_full = false;
    {
      MutexLock lock(mu_);
      const size_t count = std::min(room, port.queue_.size());
      const auto end = port.queue_.begin() + static_cast<std::ptrdiff_t>(count);
      was_full = port.queue_.size() == kQueueLimit;
      bytes.assign(port.queue_.begin(), end);
      port.queue_.erase(port.queue_.begin(), end);
    }
    if (bytes.empty()) {
      return;
    }
    receiver->Receive(bytes);
    if (was_full) {
      stream_->ResumeInput();
    }
  }
}

void Mux::WriteFrom(std::span<const std::byte> data) {
  std::string stamped;
  {
    MutexLock lock(mu_);
    for (size_t i = 0; shows_time_ && i < data.size(); ++i) {
      if (is_at_line_start_) {
        stamped += TimeStamp();
      }
      stamped += static_cast<char>(data[i]);
      is_at_line_start_ = stamped.back() == '\n';
    }
  }
  stamped.empty() ? stream_->Write(data) : Show(stamped);
}

}  // namespace tandem::devices
