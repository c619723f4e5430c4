#include "devices/chardev/raw_terminal.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace tandem::devices {
namespace {

// Read by signal handlers, so they are plain statics.
termios saved_modes;
std::atomic<bool> is_raw{false};

// Only async-signal-safe calls.
void RestoreAndDie(int signal_number) {
  RestoreTerminal();
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

void RestoreAtSignal(int signal_number) {
  struct sigaction old {};
  if (::sigaction(signal_number, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) {
    return;
  }
  struct sigaction action {};
  action.sa_handler = RestoreAndDie;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal_number, &action, nullptr);
}

void InstallRestorers() {
  static const bool installed = [] {
    std::atexit(RestoreTerminal);
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT}) {
      RestoreAtSignal(signal_number);
    }
    return true;
  }();
  (void)installed;
}

}  // namespace

void EnterRawTerminal(bool keeps_signals) {
  if (is_raw.load() || ::tcgetattr(STDIN_FILENO, &saved_modes) != 0) {
    return;
  }
  termios raw = saved_modes;
  raw.c_iflag &=
      ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN);
  raw.c_oflag |= OPOST;
  raw.c_cflag = (raw.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
  if (!keeps_signals) {
    raw.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  }
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  InstallRestorers();
  is_raw.store(true);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void RestoreTerminal() {
  if (is_raw.exchange(false)) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
  }
}

}  // namespace tandem::devices
