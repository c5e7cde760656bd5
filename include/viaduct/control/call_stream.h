// SPDX-License-Identifier: Apache-2.0
// A connection as the HTTP library reads and writes it, with a bound on the time and on the octets of a whole call: whoever sends an octet now and then, or without
// end, holds no thread longer and fills no memory.
#pragma once
#include <httplib.h>

#include <array>
#include <chrono>
#include <optional>

namespace viaduct::control {

/// One call's. Thread: one.
class CallStream final : public httplib::Stream {
 public:
  /// What is to be read must come within that time from now; what is written must be taken within it from the first octet on. The socket stays the caller's.
  CallStream(int socket, std::chrono::milliseconds within);

  [[nodiscard]] bool is_readable() const override;
  [[nodiscard]] bool is_writable() const override;
  /// Errors: below 0 when the time is over, or when more came than the largest call has, or its head.
  ssize_t read(char* to, size_t bytes) override;
  ssize_t write(const char* from, size_t bytes) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  int socket_;
  std::chrono::milliseconds within_;
  Time read_until_;
  std::optional<Time> written_until_;
  std::array<char, 4096> read_;  // of a head the library asks for one octet at a time
  std::size_t read_at_{}, read_bytes_{}, bytes_in_all_{}, head_bytes_{};
};

}  // namespace viaduct::control
