// SPDX-License-Identifier: Apache-2.0
// Which host names a Route may hold that leads anywhere: most telephones' Routes hold none of them, and need not be taken apart.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace viaduct::site {

/// A Bloom filter of one hash: it may take a strange name for a known one, never the reverse. Names in any case are one.
/// Thread: immutable once published.
class HostFilter {
 public:
  /// Before the first name is added, every host may be known. Shape: at most `names_max` names are added after `reserve`.
  void reserve(std::size_t names_max);
  void add(std::string_view host);
  [[nodiscard]] bool may_hold(std::string_view host) const {
    if (bits_.empty()) return true;
    const std::uint64_t h = hash(host);
    return (bits_[(h >> 32) & (bits_.size() - 1)] >> (h & 63) & 1) != 0;
  }

 private:
  /// Letters of both cases are one by the bit 0x20; other octets that this makes equal only cost a look.
  [[nodiscard]] static std::uint64_t hash(std::string_view host) {
    constexpr std::uint64_t lower = 0x2020202020202020U, odd = 0x9e3779b97f4a7c15U;
    std::uint64_t h = host.size();
    const auto mix = [&h](const char* at, std::size_t bytes) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, bytes);
      h = (h ^ (word | lower)) * odd;
      h ^= h >> 29;
    };
    const std::size_t bytes = host.size();
    if (bytes < sizeof h) {
      mix(host.data(), bytes);
    } else {
      for (std::size_t i = 0; i + sizeof h < bytes; i += sizeof h) mix(host.data() + i, sizeof h);
      mix(host.data() + bytes - sizeof h, sizeof h);
    }
    return h;
  }

  std::vector<std::uint64_t> bits_;   // a power of two of words
};

}  // namespace viaduct::site
