// SPDX-License-Identifier: Apache-2.0
// Sending and receiving files over the control socket.
#include "transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "fields.h"
#include "progress.h"
#include "table.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

constexpr std::size_t piece_bytes = std::size_t{1} << 17;
constexpr unsigned rejects_shown_max = 20;

std::string text_of(const json& request) { return request.dump(-1, ' ', false, json::error_handler_t::replace); }

/// A file to be read; standard input is not closed.
class Input {
 public:
  explicit Input(const std::string& name) : number_(name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat found{};
    if (number_ >= 0 && fstat(number_, &found) == 0 && S_ISREG(found.st_mode)) bytes_ = static_cast<std::uint64_t>(found.st_size);
  }
  ~Input() {
    if (number_ > STDIN_FILENO) close(number_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  /// 0 when nobody knows.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Returns octets read, 0 at the end, below 0 for an error.
  [[nodiscard]] ssize_t read(std::string& piece) const {
    piece.resize(piece_bytes);
    ssize_t got = 0;
    do got = ::read(number_, piece.data(), piece.size());
    while (got < 0 && errno == EINTR);
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return got;
  }

 private:
  int number_;
  std::uint64_t bytes_{};
};

/// What the daemon says while an import runs.
class ImportTalk {
 public:
  explicit ImportTalk(bool as_json) : as_json_(as_json) {}
  /// One line; true when it was the last.
  bool take(const json& line) {
    if (line.contains("ok")) {
      report_ = line;
      return true;
    }
    if (line.contains("rejected")) reject(line);
    if (line.contains("phase"))
      progress_.show(cell(line, "phase"), line["phase"] == "writing" && rows_ > 0 ? number(line, "done") / static_cast<double>(rows_) : -1,
                     static_cast<std::uint64_t>(number(line, "done")));
    if (line.contains("phase") && line["phase"] == "reading") rows_ = static_cast<std::uint64_t>(number(line, "done"));
    return false;
  }
  void sent(std::uint64_t bytes, std::uint64_t of) {
    if (of > 0) progress_.show("reading", static_cast<double>(bytes) / static_cast<double>(of), rows_);
  }
  [[nodiscard]] const json& report() const { return report_; }

 private:
  void reject(const json& line) {
    if (as_json_)
      std::fprintf(stderr, "%s\n", text_of(line).c_str());
    else if (++rejects_ <= rejects_shown_max)
      std::fprintf(stderr, "line %s: %s\n", cell(line, "line").c_str(), harmless(cell(line, "rejected")).c_str());
  }
  bool as_json_;
  unsigned rejects_{};
  std::uint64_t rows_{};
  ProgressLine progress_;
  json report_;
};

/// Lines that are there already, without waiting; true when the last one came.
std::expected<bool, Failure> take_lines(Daemon& daemon, ImportTalk& talk, Daemon::Wait wait) {
  while (true) {
    const auto line = daemon.line(wait);
    if (!line) return std::unexpected(line.error());
    if (!*line) return false;
    const json parsed = json::parse(**line, nullptr, false);
    if (!parsed.is_object()) return std::unexpected(Failure{Exit::unreachable, "the daemon answers no JSON object"});
    if (talk.take(parsed)) return true;
  }
}

/// Returns true when the daemon has given its report before the file was sent.
std::expected<bool, Failure> send_all(Daemon& daemon, const Input& input, const std::string& name, ImportTalk& talk) {
  std::string piece;
  std::uint64_t sent = 0;
  for (ssize_t got = input.read(piece); got != 0; got = input.read(piece)) {
    if (got < 0) return std::unexpected(Failure{Exit::usage, name + ": " + std::strerror(errno)});
    for (std::string_view rest = piece; !rest.empty();) {
      const auto put = daemon.send_some(rest);
      // A daemon that refuses has said why.
      if (!put) {
        const auto told = take_lines(daemon, talk, Daemon::Wait::yes);
        return told && *told ? told : std::unexpected(put.error());
      }
      rest.remove_prefix(*put);
      if (const auto ended = take_lines(daemon, talk, Daemon::Wait::no); !ended || *ended) return ended;
    }
    talk.sent(sent += static_cast<std::uint64_t>(got), input.bytes());
  }
  daemon.end();
  return false;
}

}  // namespace

std::expected<json, Failure> import_file(const std::filesystem::path& socket, const ImportWords& words, bool as_json) {
  const Input input(words.file);
  if (!input.is_open()) return std::unexpected(Failure{Exit::usage, words.file + ": " + std::strerror(errno)});
  auto daemon = Daemon::connect(socket, commit_s);
  if (!daemon) return std::unexpected(daemon.error());
  json request = {{"verb", "clients.import"}, {"kind", words.kind}, {"dry_run", words.dry_run}, {"skip_rejected", words.skip_rejected}, {"why", words.why}};
  if (!words.home.empty()) request["home"] = words.home;
  if (const auto asked = daemon->send_line(text_of(request)); !asked) return std::unexpected(asked.error());
  ImportTalk talk(as_json);
  auto ended = send_all(*daemon, input, words.file, talk);
  if (ended && !*ended) ended = take_lines(*daemon, talk, Daemon::Wait::yes);
  if (!ended) return std::unexpected(ended.error());
  return talk.report();
}

std::expected<json, Failure> ask_long(const std::filesystem::path& socket, const json& request) {
  auto daemon = Daemon::connect(socket, commit_s);
  if (!daemon) return std::unexpected(daemon.error());
  if (const auto asked = daemon->send_line(text_of(request)); !asked) return std::unexpected(asked.error());
  ImportTalk talk(true);
  if (const auto ended = take_lines(*daemon, talk, Daemon::Wait::yes); !ended) return std::unexpected(ended.error());
  return talk.report();
}

namespace {

/// What a name leads to: a file's own name where that is a symbolic link; nothing for what cannot be replaced, a device or a pipe.
[[nodiscard]] std::optional<std::string> replaceable(const std::string& name) {
  std::error_code trouble;
  const auto status = std::filesystem::status(name, trouble);
  if (!std::filesystem::exists(status)) return name;
  if (!std::filesystem::is_regular_file(status)) return std::nullopt;
  const auto target = std::filesystem::canonical(name, trouble);
  return trouble ? name : target.string();
}

/// Where rows go: a file that gets its name when it is whole and on the disk; a device or a pipe, as they come; standard output.
class Output {
 public:
  explicit Output(const std::string& name) {
    if (is_standard_output(name))
      file_ = stdout;
    else if (const auto target = replaceable(name))
      target_ = *target, file_ = std::fopen(part().c_str(), "wb");
    else
      file_ = std::fopen(name.c_str(), "wb");
  }
  ~Output() {
    if (file_ == nullptr || file_ == stdout) return;
    std::fclose(file_);
    if (!target_.empty()) unlink(part().c_str());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  [[nodiscard]] bool write(std::string_view line) const {
    return std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fputc('\n', file_) != EOF;
  }
  [[nodiscard]] bool finish() {
    if (std::fflush(file_) != 0) return false;
    if (file_ == stdout) return true;
    if (target_.empty()) return std::fclose(std::exchange(file_, nullptr)) == 0;
    if (fsync(fileno(file_)) != 0 || std::rename(part().c_str(), target_.c_str()) != 0) return false;
    return std::fclose(std::exchange(file_, nullptr)) == 0;
  }

 private:
  [[nodiscard]] std::string part() const { return target_ + ".part"; }
  std::string target_;  // empty: what is written is not renamed
  std::FILE* file_{};
};

}  // namespace

std::expected<Exit, Failure> export_file(const std::filesystem::path& socket, const ExportWords& words) {
  auto daemon = Daemon::connect(socket, commit_s);
  if (!daemon) return std::unexpected(daemon.error());
  json request = {{"verb", "clients.export"}, {"prefix", words.prefix}};
  if (!words.home.empty()) request["home"] = words.home;
  if (words.pins_only != words.overrides_only) request["pin"] = words.pins_only;
  const auto first = daemon->ask(text_of(request));
  if (!first) return std::unexpected(first.error());
  const json begun = json::parse(*first, nullptr, false);
  if (!begun.is_object()) return std::unexpected(Failure{Exit::unreachable, "the daemon answers no JSON object"});
  if (begun.value("ok", json()) != true) return std::unexpected(Failure{Exit::refused, cell(begun, "error")});
  Output out(words.out);
  if (!out.is_open()) return std::unexpected(not_taken(words.out));
  while (true) {
    const auto line = daemon->line(Daemon::Wait::yes);
    if (!line) return std::unexpected(line.error());
    if ((*line)->starts_with("# error: ")) return std::unexpected(Failure{Exit::refused, **line});
    if (!out.write(**line)) return std::unexpected(not_taken(words.out));
    if ((*line)->starts_with("# end: ")) break;
  }
  if (!out.finish()) return std::unexpected(not_taken(words.out));
  return Exit::done;
}

}  // namespace viaduct::cli
