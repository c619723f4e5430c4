#pragma once

namespace tandem::devices {

// Switches the terminal on standard input to raw mode, and back. There is one controlling terminal
// a process, so this is the process's; it is put back also at exit() and by SIGINT, SIGTERM,
// SIGHUP, SIGQUIT and SIGABRT where these have their default action. keeps_signals: Ctrl-C and
// Ctrl-Z still act on us. Does nothing where standard input is no terminal.
void EnterRawTerminal(bool keeps_signals);
void RestoreTerminal();

}  // namespace tandem::devices
