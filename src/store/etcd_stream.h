// SPDX-License-Identifier: Apache-2.0
// A connection to a server of etcd as the HTTP library reads and writes it, with a bound on the time and on the octets of one call.
#pragma once
#include <httplib.h>

#include <array>
#include <chrono>

namespace viaduct::store::etcd {

/// One call's. Thread: one.
class Stream final : public httplib::Stream {
 public:
  /// All of the call is over within that time from now. The socket, and `ssl` where it has one, stay the caller's; the socket no longer waits.
  Stream(int socket, SSL* ssl, std::chrono::milliseconds within);

  [[nodiscard]] bool is_readable() const override;
  [[nodiscard]] bool is_writable() const override;
  /// Errors: below 0 when the time is over, or when more came than the largest answer has, or its head.
  ssize_t read(char* to, size_t bytes) override;
  ssize_t write(const char* from, size_t bytes) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  /// Until the socket is ready for that event, or the time is over.
  [[nodiscard]] bool waits_for(short event) const;
  [[nodiscard]] ssize_t read_some();
  [[nodiscard]] bool waits_for_tls(int result) const;

  int socket_;
  SSL* ssl_;
  std::chrono::steady_clock::time_point until_;
  std::array<char, 16384> read_;  // the library asks for a head one octet at a time
  std::size_t read_at_{}, read_bytes_{}, bytes_in_all_{}, head_bytes_{};
};

}  // namespace viaduct::store::etcd
