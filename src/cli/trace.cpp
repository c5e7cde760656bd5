// SPDX-License-Identifier: Apache-2.0
// The daemon's lines of a trace, shown or written to a file.
#include "trace.h"

#include <time.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "fields.h"
#include "pcapng.h"
#include "table.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

constexpr unsigned for_s_max = 3600;

std::string octets_of(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned char octet = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, octet, 16);
    out += static_cast<char>(octet);
  }
  return out;
}

/// `redirected: one Via: ...`, `dropped (screened): a screening rule decides`.
std::string verdict_of(const json& line) {
  std::string out = cell(line, "verdict");
  if (line.contains("drop")) out += " (" + cell(line, "drop") + ')';
  const std::string reason = cell(line, "reason");
  return reason.empty() ? out : out + ": " + reason;
}

std::string clock_of(std::uint64_t at_ns) {
  const auto seconds = static_cast<time_t>(at_ns / 1'000'000'000);
  tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%06u", local.tm_hour, local.tm_min, local.tm_sec, static_cast<unsigned>(at_ns / 1000 % 1'000'000));
  return text.data();
}

/// What has passed, for people: a sent packet's verdict stood at the one that it answers or that it was.
bool print(const json& line) {
  const bool is_sent = line.value("way", "") == "sent";
  std::string out = clock_of(line.value("at_ns", std::uint64_t{})) + (is_sent ? "  out  " : "  in   ") + cell(line, "source") + " > " +
                    cell(line, "destination") + "  " + cell(line, "start");
  if (line.contains("from")) out += "  from " + cell(line, "from") + " to " + cell(line, "to");
  if (!is_sent) out += "  " + verdict_of(line);
  std::printf("%s\n", harmless(out).c_str());
  return std::fflush(stdout) == 0;
}

class Sink {
 public:
  Sink(const TraceWords& words, bool as_json) : as_json_(as_json) {
    if (!words.out.empty()) file_ = std::make_unique<Pcapng>(words.out);
  }
  [[nodiscard]] bool begin() { return !file_ || (file_->is_open() && file_->begin("viaduct " VIADUCT_VERSION)); }
  [[nodiscard]] bool take(const json& line, const std::string& text) {
    if (file_)
      return file_->write({.at_ns = line.value("at_ns", std::uint64_t{}),
                           .is_sent = line.value("way", "") == "sent",
                           .bytes = line.value("bytes", std::uint32_t{}),
                           .octets = octets_of(line.value("frame", "")),
                           .comment = verdict_of(line)});
    if (!as_json_) return print(line);
    std::puts(text.c_str());
    return std::fflush(stdout) == 0;
  }

 private:
  bool as_json_;
  std::unique_ptr<Pcapng> file_;
};

std::expected<Exit, Failure> follow(Daemon& daemon, Sink& sink, const std::string& out) {
  while (true) {
    const auto text = daemon.line(Daemon::Wait::yes);
    if (!text) return std::unexpected(text.error());
    const json line = json::parse(**text, nullptr, false);
    if (!line.is_object()) return std::unexpected(Failure{Exit::unreachable, "the daemon answers no JSON object"});
    if (line.contains("frame") && !sink.take(line, **text)) return std::unexpected(not_taken(out));
    if (!line.contains("end")) continue;
    std::fprintf(stderr, "%s packets%s\n", cell(line, "packets").c_str(), number(line, "lost") > 0 ? (", " + cell(line, "lost") + " lost").c_str() : "");
    return Exit::done;
  }
}

}  // namespace

unsigned seconds_of(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit{end, text.data() + text.size()};
  if (error != std::errc{} || number > 86'400) return 0;
  if (unit.empty() || unit == "s") return number;
  if (unit == "m") return number * 60;
  return unit == "h" ? number * 3600 : 0;
}

std::expected<Exit, Failure> trace(const std::filesystem::path& socket, const TraceWords& words, bool as_json) {
  const unsigned for_s = seconds_of(words.for_text);
  if (for_s == 0 || for_s > for_s_max)
    return std::unexpected(Failure{Exit::usage, "--for: \"" + words.for_text + "\" is no time from 1s to 1h; as 90s, 5m, 1h"});
  auto daemon = Daemon::connect(socket, answer_s);
  if (!daemon) return std::unexpected(daemon.error());
  const json request = {{"verb", "trace"}, {"what", words.what}, {"for_s", for_s}};
  const auto first = daemon->ask(request.dump(-1, ' ', false, json::error_handler_t::replace));
  if (!first) return std::unexpected(first.error());
  const json begun = json::parse(*first, nullptr, false);
  if (!begun.is_object() || begun.value("ok", json{}) != true) return std::unexpected(Failure{Exit::refused, cell(begun, "error")});
  Sink sink(words, as_json);
  if (!sink.begin()) return std::unexpected(not_taken(words.out));
  return follow(*daemon, sink, words.out);
}

}  // namespace viaduct::cli
