// SPDX-License-Identifier: Apache-2.0
// Frames for tests: built field by field with a checksum of its own making, known ones, and memory flush against an unreadable page.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "viaduct/base/check.h"

namespace viaduct::net::test {

using Octets = std::vector<std::uint8_t>;

/// The Internet checksum's sum as RFC 1071 leaves it to be understood: the octets as one number modulo 65,535, where only nothing but zeros gives 0.
inline std::uint16_t sum_by_division(std::span<const std::uint8_t> bytes) {
  std::uint32_t rest = 0;
  bool all_zero = true;
  for (std::size_t i = 0; i < bytes.size() + bytes.size() % 2; ++i) {
    const std::uint8_t b = i < bytes.size() ? bytes[i] : std::uint8_t{0};
    rest = (rest * 256 + b) % 65535;
    all_zero = all_zero && b == 0;
  }
  return rest == 0 && !all_zero ? std::uint16_t{0xffff} : static_cast<std::uint16_t>(rest);
}

/// A copy of octets that ends where readable memory ends (or begins where it begins).
class Guarded {
 public:
  explicit Guarded(std::span<const std::uint8_t> bytes, bool at_front = false) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    room_ = (bytes.size() + page - 1) / page * page;
    mapped_ = room_ + 2 * page;
    void* base = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base::check(base != MAP_FAILED, "address space for a test");
    base_ = static_cast<std::uint8_t*>(base);
    if (room_ != 0) base::check(mprotect(base_ + page, room_, PROT_READ | PROT_WRITE) == 0, "readable pages");
    bytes_ = {at_front ? base_ + page : base_ + page + room_ - bytes.size(), bytes.size()};
    if (!bytes.empty()) std::memcpy(bytes_.data(), bytes.data(), bytes.size());
  }
  ~Guarded() { munmap(base_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  [[nodiscard]] std::span<std::uint8_t> octets() const { return bytes_; }

 private:
  std::uint8_t* base_{};
  std::size_t room_{};
  std::size_t mapped_{};
  std::span<std::uint8_t> bytes_;
};

/// A UDP datagram in IPv4 in Ethernet, from 198.18.0.1:5062 to 198.18.0.2:5060; every field may be changed before it is built.
struct UdpFrame {
  std::string_view payload = "OPTIONS sip:a SIP/2.0\r\n";
  Octets options{};                      ///< IPv4 options, a multiple of four octets
  std::uint16_t ethernet_type = 0x0800;
  std::uint8_t version = 4;
  int header_words_more = 0;             ///< a lie in IHL
  int total_bytes_more = 0;              ///< a lie in the total length
  int udp_bytes_more = 0;                ///< a lie in the UDP length
  std::uint16_t fragment = 0x4000;
  std::uint8_t protocol = 17;
  bool with_udp_checksum = true;
  std::size_t padding_bytes = 0;

  [[nodiscard]] Octets build() const {
    Octets f = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, high(ethernet_type), low(ethernet_type)};
    const std::size_t header_bytes = 20 + options.size();
    const int total = static_cast<int>(header_bytes + 8 + payload.size()) + total_bytes_more;
    const int words = static_cast<int>(header_bytes / 4) + header_words_more;
    Octets ip = {static_cast<std::uint8_t>(version << 4 | words),
                 0,
                 high(total),
                 low(total),
                 0,
                 0,
                 high(fragment),
                 low(fragment),
                 64,
                 protocol,
                 0,
                 0,
                 198,
                 18,
                 0,
                 1,
                 198,
                 18,
                 0,
                 2};
    ip.insert(ip.end(), options.begin(), options.end());
    put(ip, 10, ~sum_by_division(ip));
    Octets udp = {high(5062), low(5062), high(5060), low(5060), 0, 0, 0, 0};
    put(udp, 4, static_cast<int>(8 + payload.size()) + udp_bytes_more);
    udp.insert(udp.end(), payload.begin(), payload.end());
    if (with_udp_checksum) put(udp, 6, udp_checksum(ip, udp));
    f.insert(f.end(), ip.begin(), ip.end());
    f.insert(f.end(), udp.begin(), udp.end());
    f.insert(f.end(), padding_bytes, 0x5a);
    return f;
  }

 private:
  static std::uint8_t high(int v) { return static_cast<std::uint8_t>(v >> 8 & 0xff); }
  static std::uint8_t low(int v) { return static_cast<std::uint8_t>(v & 0xff); }
  static void put(Octets& o, std::size_t at, int v) {
    o[at] = high(v);
    o[at + 1] = low(v);
  }
  static int udp_checksum(const Octets& ip, const Octets& udp) {
    Octets all(ip.begin() + 12, ip.begin() + 20);
    all.insert(all.end(), {0, 17, udp[4], udp[5]});
    all.insert(all.end(), udp.begin(), udp.end());
    const int sum = ~sum_by_division(all) & 0xffff;
    return sum == 0 ? 0xffff : sum;
  }
};

// Frames as Scapy 2.5 built them, checksums included.
inline const Octets known_udp = {0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x45, 0x00, 0x00,
                                 0x33, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xae, 0x92, 0xc6, 0x12, 0x00, 0x01, 0xc6, 0x12, 0x00, 0x02,
                                 0x13, 0xc6, 0x13, 0xc4, 0x00, 0x1f, 0xb1, 0x7d, 0x4f, 0x50, 0x54, 0x49, 0x4f, 0x4e, 0x53, 0x20, 0x73,
                                 0x69, 0x70, 0x3a, 0x61, 0x20, 0x53, 0x49, 0x50, 0x2f, 0x32, 0x2e, 0x30, 0x0d, 0x0a};
inline const Octets known_udp6 = {0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd, 0x60, 0x00, 0x00,
                                  0x00, 0x00, 0x1f, 0x11, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                  0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                  0x00, 0x00, 0x02, 0x13, 0xc6, 0x13, 0xc4, 0x00, 0x1f, 0xe2, 0x30, 0x4f, 0x50, 0x54, 0x49, 0x4f, 0x4e,
                                  0x53, 0x20, 0x73, 0x69, 0x70, 0x3a, 0x61, 0x20, 0x53, 0x49, 0x50, 0x2f, 0x32, 0x2e, 0x30, 0x0d, 0x0a};
inline const Octets known_echo_request = {0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x45, 0x00, 0x00,
                                          0x23, 0x00, 0x07, 0x00, 0x00, 0x37, 0x01, 0xf7, 0xab, 0xc6, 0x12, 0x00, 0x01, 0xc6, 0x12, 0x00, 0x02,
                                          0x08, 0x00, 0x54, 0x9d, 0x12, 0x34, 0x00, 0x01, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67};
inline const Octets known_echo_reply = {0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x45, 0x00, 0x00,
                                        0x23, 0x00, 0x07, 0x00, 0x00, 0x40, 0x01, 0xee, 0xab, 0xc6, 0x12, 0x00, 0x02, 0xc6, 0x12, 0x00, 0x01,
                                        0x00, 0x00, 0x5c, 0x9d, 0x12, 0x34, 0x00, 0x01, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67};
inline const Octets known_arp_request = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06,
                                         0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
                                         0xc6, 0x12, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc6, 0x12, 0x00, 0x02};
inline const Octets known_arp_reply = {0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x06,
                                       0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02,
                                       0xc6, 0x12, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0xc6, 0x12, 0x00, 0x01};

}  // namespace viaduct::net::test
