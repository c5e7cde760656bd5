// SPDX-License-Identifier: Apache-2.0
// A bounded output cursor: text goes in until the room ends; an overflow is remembered, never written.
#pragma once
#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>

#include "viaduct/base/text.h"

namespace viaduct::base {

class Append {
 public:
  explicit Append(std::span<char> out) : at_(out.data()), begin_(out.data()), end_(out.data() + out.size()) {}
  Append& operator<<(std::string_view text) {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) {
      overflow_ = true;
      return *this;
    }
    at_ = copy_text(at_, text);
    return *this;
  }
  Append& operator<<(char c) { return *this << std::string_view{&c, 1}; }
  Append& operator<<(std::uint64_t number) {
    auto [p, error] = std::to_chars(at_, end_, number);
    if (error != std::errc{}) {
      overflow_ = true;
      return *this;
    }
    at_ = p;
    return *this;
  }
  [[nodiscard]] bool overflow() const { return overflow_; }
  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::string_view text() const { return {begin_, bytes()}; }
  [[nodiscard]] std::span<char> room() { return {at_, end_}; }
  void advance(std::size_t bytes) { at_ += bytes; }

 private:
  char* at_;
  char* begin_;
  char* end_;
  bool overflow_{};
};

}  // namespace viaduct::base
