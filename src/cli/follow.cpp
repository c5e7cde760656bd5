// SPDX-License-Identifier: Apache-2.0
#include "follow.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "fields.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

constexpr auto look_pause = std::chrono::milliseconds(500);
constexpr auto pace_over = std::chrono::seconds(10);

/// The line in its place: over the one before, or below it when it is another.
class Line {
 public:
  void show(const Progress& progress, const std::string& pace) {
    if (is_terminal_)
      fmt::print("\r\033[K{}{}{}", progress.line, pace, progress.is_over ? "\n" : "");
    else if (progress.line != last_)
      fmt::print("{}{}\n", progress.line, pace);
    last_ = progress.line;
    std::fflush(stdout);
  }

 private:
  bool is_terminal_{isatty(STDOUT_FILENO) == 1};
  std::string last_;
};

}  // namespace

void Pace::note(double left, Clock::time_point now) {
  points_.push_back({now, left});
  while (points_.size() > 2 && points_[1].at <= now - pace_over) points_.pop_front();
}

std::string Pace::text() const {
  if (points_.size() < 2) return {};
  const double seconds = std::chrono::duration<double>(points_.back().at - points_.front().at).count();
  const double less = points_.front().left - points_.back().left;
  if (seconds <= 0 || less <= 0) return {};
  return fmt::format("; {:.1f}/s, {} to go", less / seconds, duration(points_.back().left * seconds / less));
}

std::expected<Exit, Failure> follow(const Options& options, const json& request, const std::function<Progress(const json&)>& read) {
  const auto socket = find_socket(options.target);
  if (!socket) return std::unexpected(socket.error());
  auto daemon = Daemon::connect(*socket, relayed_answer_s);
  if (!daemon) return std::unexpected(daemon.error());
  Pace pace;
  Line line;
  for (;; std::this_thread::sleep_for(look_pause)) {
    const auto told = daemon->ask(request.dump());
    if (!told) return std::unexpected(told.error());
    const json answer = json::parse(*told, nullptr, false);
    if (!answer.is_object()) return std::unexpected(Failure{Exit::unreachable, "the daemon's answer is not JSON"});
    if (answer.value("ok", false) == false) return std::unexpected(Failure{Exit::refused, cell(answer, "error")});
    const Progress progress = read(answer);
    pace.note(progress.left, Pace::Clock::now());
    if (options.json)
      fmt::print("{}\n", *told), std::fflush(stdout);
    else
      line.show(progress, pace.text());
    if (std::ferror(stdout) != 0) return std::unexpected(not_taken({}));
    if (progress.is_over) return Exit::done;
  }
}

}  // namespace viaduct::cli
