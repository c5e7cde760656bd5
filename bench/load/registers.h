// SPDX-License-Identifier: Apache-2.0
// REGISTERs as telephones send them, made from a seed: a mix of shapes, and messages of an exact size. Same seed, same octets.
#pragma once
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace viaduct::bench {

/// Clients are named u0000000 to u9999999 at example.com.
inline constexpr std::uint32_t clients_max = 10'000'000;
[[nodiscard]] std::string user(std::uint32_t client);

class Registers {
 public:
  explicit Registers(std::uint64_t seed) : random_(seed) {}

  /// One of the mix: 1 to 4 Vias (1.8 on average), one in five with compact names, 15 % of the messages with several Vias have them in one line,
  /// half with shuffled headers; some 630 octets on average.
  [[nodiscard]] std::string mixed(std::uint32_t client);
  /// A plain one of exactly that size. Shape: `bytes` 450 to 1,400, `vias` 1 to 4.
  [[nodiscard]] std::string sized(std::uint32_t client, std::size_t bytes, unsigned vias = 1);

  [[nodiscard]] std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

 private:
  [[nodiscard]] bool one_in(std::uint32_t n) { return below(n) == 0; }
  [[nodiscard]] std::string hex(unsigned digits);
  [[nodiscard]] std::string private_address();
  [[nodiscard]] std::string via(bool is_top);
  [[nodiscard]] std::string via_lines(unsigned count, bool compact, bool joined);
  [[nodiscard]] unsigned mixed_via_count();
  [[nodiscard]] std::string to_value(const std::string& who);
  [[nodiscard]] std::vector<std::string> mixed_headers(const std::string& who, bool compact);
  [[nodiscard]] std::string contact_value(const std::string& who);

  std::mt19937_64 random_;
};

}  // namespace viaduct::bench
