#include "tests/guest/emulator.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <regex>

#include "base/check.h"

namespace tandem::tests {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kProgram[] = "frontend/tandem";  // in the test's runfiles
constexpr size_t kTailSize = 3000;
constexpr int kPumpMs = 50;

// Pipes that only their users keep open: exec closes them.
void MakePipe(UniqueFd& reader, UniqueFd& writer) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  reader = UniqueFd(ends[0]);
  writer = UniqueFd(ends[1]);
}

void ReadInto(int fd, std::string& text) {
  char buffer[4096];
  const ssize_t count = read(fd, buffer, sizeof(buffer));
  if (count > 0) {
    text.append(buffer, static_cast<size_t>(count));
  }
}

}  // namespace

Emulator::Emulator(std::vector<std::string> arguments, Console console) {
  console == Console::kTerminal ? OpenTerminal() : OpenPipes();
  Start(arguments);
}

Emulator::~Emulator() {
  if (!Reap()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void Emulator::OpenPipes() {
  MakePipe(child_input_, input_);
  MakePipe(output_fd_, child_output_);
  MakePipe(errors_fd_, child_errors_);
}

// The child's end stays open here, so that the settings can be read after the child's end.
void Emulator::OpenTerminal() {
  int ours = -1, childs = -1;
  CHECK(openpty(&ours, &childs, nullptr, nullptr, nullptr) == 0);
  fcntl(ours, F_SETFD, FD_CLOEXEC);
  fcntl(childs, F_SETFD, FD_CLOEXEC);
  input_ = UniqueFd(ours);
  output_fd_ = UniqueFd(dup(ours));
  fcntl(output_fd_.get(), F_SETFD, FD_CLOEXEC);
  child_input_ = UniqueFd(childs);
}

void Emulator::Start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(kProgram)};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  const int in = child_input_.get();
  const int out = child_output_.valid() ? child_output_.get() : in;
  const int err = child_errors_.valid() ? child_errors_.get() : in;
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    setsid();
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2) {
      execv(kProgram, argv.data());
    }
    _exit(127);
  }
  child_output_ = UniqueFd();
  child_errors_ = UniqueFd();
}

void Emulator::Pump() {
  pollfd fds[] = {{output_fd_.get(), POLLIN, 0}, {errors_fd_.get(), POLLIN, 0}};
  poll(fds, 2, kPumpMs);
  if ((fds[0].revents & POLLIN) != 0) {
    ReadInto(output_fd_.get(), output_);
  }
  if ((fds[1].revents & POLLIN) != 0) {
    ReadInto(errors_fd_.get(), errors_);
  }
  if (((fds[0].revents | fds[1].revents) & POLLIN) == 0 && (fds[0].revents & POLLHUP) != 0) {
    usleep(kPumpMs * 1000);  // its streams are closed: poll does not wait any more
  }
}

bool Emulator::Reap() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return status_.has_value();
}

// Whole lines that have been looked at are not looked at again.
bool Emulator::FindNext(const std::string& pattern) {
  const std::regex expression(pattern);
  while (searched_ < output_.size()) {
    const size_t end = std::min(output_.find('\n', searched_), output_.size());
    std::smatch match;
    const auto begin = output_.cbegin() + static_cast<ptrdiff_t>(searched_);
    const auto line_end = output_.cbegin() + static_cast<ptrdiff_t>(end);
    if (std::regex_search(begin, line_end, match, expression)) {
      searched_ += static_cast<size_t>(match.position() + match.length());
      return true;
    }
    if (end == output_.size()) {
      return false;
    }
    searched_ = end + 1;
  }
  return false;
}

bool Emulator::WaitFor(const std::string& pattern, std::chrono::seconds patience) {
  const auto deadline = SteadyClock::now() + patience;
  while (!FindNext(pattern)) {
    const bool is_over = Reap() || SteadyClock::now() > deadline;
    const size_t before = output_.size();
    Pump();
    if (is_over && output_.size() == before) {
      return FindNext(pattern);
    }
  }
  return true;
}

std::optional<int> Emulator::WaitForExit(std::chrono::seconds patience) {
  const auto deadline = SteadyClock::now() + patience;
  while (!Reap() && SteadyClock::now() < deadline) {
    Pump();
  }
  for (size_t before = ~size_t{0}; before != output_.size() + errors_.size();) {
    before = output_.size() + errors_.size();
    Pump();
  }
  return status_;
}

void Emulator::Type(const std::string& text) {
  CHECK(write(input_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string Emulator::Tail() const {
  const std::string all = output_ + errors_;
  return all.size() > kTailSize ? "..." + all.substr(all.size() - kTailSize) : all;
}

termios Emulator::TerminalSettings() const {
  termios settings{};
  CHECK(tcgetattr(child_input_.get(), &settings) == 0);
  return settings;
}

}  // namespace tandem::tests
