// SPDX-License-Identifier: Apache-2.0
// The way to a running daemon: which socket, and one line there and one back.
#pragma once
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace viaduct::cli {

/// What the command ends with.
enum class Exit : int {
  done = 0,
  refused = 1,       ///< the daemon answered that it would not
  usage = 2,
  unreachable = 3,   ///< no daemon, or none that answers
};

/// Why the command cannot go on, and what it ends with.
struct Failure {
  Exit exit;
  std::string text;
};

/// Whether an output, as the operator named it, is standard output.
[[nodiscard]] inline bool is_standard_output(const std::string& out) { return out.empty() || out == "-"; }
/// Why an output has not taken all, by errno.
[[nodiscard]] Failure not_taken(const std::string& out);

/// How the operator named the daemon.
struct Target {
  std::string socket;
  std::string node;
  std::string runtime_dir{"/run/viaduct"};
};

/// The socket meant: given, or the node's, or the only one in the runtime folder. Errors: usage when there are several, and which.
[[nodiscard]] std::expected<std::filesystem::path, Failure> find_socket(const Target& target);

// How long a daemon may be silent, seconds: while it answers, while it may have to ask another node for the answer, and while a change waits for another operator's
// import, or a hundred million clients are committed.
inline constexpr unsigned answer_s = 10;
inline constexpr unsigned relayed_answer_s = 15;
inline constexpr unsigned commit_s = 600;

/// A connection to a daemon.
class Daemon {
 public:
  [[nodiscard]] static std::expected<Daemon, Failure> connect(const std::filesystem::path& socket, unsigned timeout_s);
  ~Daemon();
  Daemon(Daemon&& other) noexcept;
  Daemon& operator=(Daemon&&) = delete;

  /// Send a request and take its answer, both without line end. Errors: unreachable, after timeout_s without an octet.
  [[nodiscard]] std::expected<std::string, Failure> ask(std::string_view request);

  // For a verb that has the connection to itself:
  /// Send a line; its end is added.
  [[nodiscard]] std::expected<void, Failure> send_line(std::string_view line);
  /// Send what the daemon takes of `octets`, once it takes some or has said something. Returns how many.
  [[nodiscard]] std::expected<std::size_t, Failure> send_some(std::string_view octets);
  /// Nothing more is sent.
  void end() const;
  enum class Wait : bool { no, yes };
  /// The next line without its end. Returns none when there is none yet and it is not to be waited for.
  [[nodiscard]] std::expected<std::optional<std::string>, Failure> line(Wait wait);

 private:
  Daemon(int descriptor, std::filesystem::path socket) : descriptor_(descriptor), socket_(std::move(socket)) {}
  [[nodiscard]] Failure lost(std::string_view what) const;

  int descriptor_;
  std::filesystem::path socket_;
  std::string buffer_;
  std::size_t taken_{};  // octets of buffer_ that were given out as lines
  std::size_t searched_{};  // octets in which no further line ends
};

}  // namespace viaduct::cli
