// SPDX-License-Identifier: Apache-2.0
// Numbers and texts one behind the other, as rows of the store have them. Little endian, as the machine.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "viaduct/base/address.h"

namespace viaduct::registrar {

class Writer {
 public:
  template <typename N>
  Writer& operator<<(N number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Writer& operator<<(const base::Endpoint& e) {
    out.append(reinterpret_cast<const char*>(e.address.octets().data()), e.address.octets().size());
    return *this << e.port;
  }
  std::string out;
};

/// Reads on until something is missing; then everything is zero.
class Reader {
 public:
  explicit Reader(std::string_view row) : rest_(row) {}
  template <typename N>
  N number() {
    N out{};
    if (const std::string_view octets = text(sizeof out); octets.size() == sizeof out) std::memcpy(&out, octets.data(), sizeof out);
    return out;
  }
  base::Endpoint endpoint() {
    std::array<std::uint8_t, 16> octets{};
    if (const std::string_view found = text(octets.size()); found.size() == octets.size()) std::memcpy(octets.data(), found.data(), octets.size());
    const auto port = number<std::uint16_t>();
    return {base::Address::v6(octets), port};
  }
  std::string_view text(std::size_t bytes) {
    is_whole_ = is_whole_ && bytes <= rest_.size();
    if (!is_whole_) return {};
    const std::string_view out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  [[nodiscard]] bool is_at_end() const { return is_whole_ && rest_.empty(); }
  [[nodiscard]] bool is_whole() const { return is_whole_; }

 private:
  std::string_view rest_;
  bool is_whole_{true};
};

}  // namespace viaduct::registrar
