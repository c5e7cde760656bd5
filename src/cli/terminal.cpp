// SPDX-License-Identifier: Apache-2.0
// Modes of a terminal, taken and given back.
#include "terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "table.h"

namespace viaduct::cli {
namespace {

/// So much of a frame that no line wraps and the first does not scroll away; the last row is the cursor's.
std::string fitted(std::string_view frame, const winsize& room) {
  std::string out;
  for (unsigned row = 1; row < room.ws_row && !frame.empty(); ++row) {
    const auto end = std::min(frame.find('\n'), frame.size());
    out += beginning(frame.substr(0, end), room.ws_col);
    out += '\n';
    frame.remove_prefix(std::min(end + 1, frame.size()));
  }
  return out;
}

}  // namespace

Terminal::Terminal() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, signal);
  sigprocmask(SIG_BLOCK, &ending, &signals_before_);
  signals_ = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
  if (isatty(STDOUT_FILENO) != 0) std::fputs("\x1b[?25l", stdout);
  if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &before_) != 0) return;
  reads_keys_ = true;
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

Terminal::~Terminal() {
  if (reads_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  if (isatty(STDOUT_FILENO) != 0) std::fputs("\x1b[?25h", stdout);
  std::fflush(stdout);
  // A signal that ended the frames is taken here, or it would strike once it is let in again.
  signalfd_siginfo taken;
  while (read(signals_, &taken, sizeof(taken)) > 0) continue;
  close(signals_);
  sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
}

bool Terminal::quits_before(std::chrono::steady_clock::time_point then) {
  using Clock = std::chrono::steady_clock;
  for (auto left = then - Clock::now(); left > Clock::duration::zero(); left = then - Clock::now()) {
    std::array<pollfd, 2> polled{{{signals_, POLLIN, 0}, {reads_keys_ ? STDIN_FILENO : -1, POLLIN, 0}}};
    poll(polled.data(), polled.size(), static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if (polled[0].revents != 0) return true;
    if (polled[1].revents == 0) continue;
    char key = 0;
    reads_keys_ = read(STDIN_FILENO, &key, 1) == 1;
    if (key == 'q' || key == 'Q') return true;
  }
  return false;
}

bool Terminal::show(const std::string& frame) const {
  if (isatty(STDOUT_FILENO) != 0) std::fputs("\x1b[H\x1b[2J", stdout);
  winsize room{};
  const bool has_size = ioctl(STDOUT_FILENO, TIOCGWINSZ, &room) == 0 && room.ws_row > 0 && room.ws_col > 0;
  std::fputs(has_size ? fitted(frame, room).c_str() : frame.c_str(), stdout);
  return std::fflush(stdout) == 0;
}

}  // namespace viaduct::cli
