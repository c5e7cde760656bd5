// SPDX-License-Identifier: Apache-2.0
// A connection as the HTTP library reads and writes it, which bounds the time that reading takes in all: whoever sends an octet now and then keeps no thread longer.
#pragma once
#include <httplib.h>

#include <array>
#include <chrono>

#include "viaduct/base/descriptor.h"

namespace viaduct::api {

/// One call's. Thread: one.
class CallStream final : public httplib::Stream {
 public:
  /// What is to be read must come within that time from now; of an answer, each piece must be taken within it.
  CallStream(base::Descriptor socket, std::chrono::milliseconds within);
  ~CallStream() override;
  CallStream(const CallStream&) = delete;
  CallStream& operator=(const CallStream&) = delete;

  [[nodiscard]] bool is_readable() const override;
  [[nodiscard]] bool is_writable() const override;
  ssize_t read(char* to, size_t bytes) override;
  ssize_t write(const char* from, size_t bytes) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  [[nodiscard]] socket_t socket() const override { return socket_.get(); }

 private:
  base::Descriptor socket_;
  std::chrono::milliseconds within_;
  std::chrono::steady_clock::time_point until_;
  std::array<char, 4096> read_;  // the library asks for one octet at a time
  std::size_t read_at_{}, read_bytes_{};
};

}  // namespace viaduct::api
