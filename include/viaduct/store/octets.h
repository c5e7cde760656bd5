// SPDX-License-Identifier: Apache-2.0
// Numbers and texts one behind the other, as rows of the store have them. Little endian, as the machine.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/base/check.h"
#include "viaduct/base/text.h"

namespace viaduct::store {

/// Shape: what is written, all in all, is no longer than `bytes_max`.
class RowWriter {
 public:
  explicit RowWriter(std::size_t bytes_max) : out_(bytes_max, '\0'), at_(out_.data()) {}
  template <typename N>
  RowWriter& operator<<(N number) {
    std::memcpy(at_, &number, sizeof number);
    at_ += sizeof number;
    return *this;
  }
  RowWriter& operator<<(const base::Endpoint& e) { return *this << e.address.octets() << e.port; }
  RowWriter& operator<<(std::string_view text) {
    at_ = base::copy_text(at_, text);
    return *this;
  }
  [[nodiscard]] std::string take() {
    const auto bytes = static_cast<std::size_t>(at_ - out_.data());
    base::check(bytes <= out_.size(), "a row has the octets that it was given");
    out_.resize(bytes);
    return std::move(out_);
  }

 private:
  std::string out_;
  char* at_;
};

/// Reads on until something is missing; then everything is zero.
class RowReader {
 public:
  explicit RowReader(std::string_view row) : rest_(row) {}
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

}  // namespace viaduct::store
