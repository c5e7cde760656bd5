// SPDX-License-Identifier: Apache-2.0
// IPv6 frames for tests: built field by field, from 2001:db8::1 to 2001:db8::2 unless said otherwise, with a checksum of the builder's own making.
#pragma once
#include <algorithm>
#include <string_view>

#include "frames.h"
#include "viaduct/base/address.h"

namespace viaduct::net::test {

inline const base::Address client6 = *base::Address::parse("2001:db8::1");
inline const base::Address edge6 = *base::Address::parse("2001:db8::2");

/// GCC 12 warns of what it imagines that an inlined insert does.
[[gnu::noinline]] inline void append(Octets& to, std::span<const std::uint8_t> from) { to.insert(to.end(), from.begin(), from.end()); }

struct Ipv6Frame {
  std::uint8_t source_mac = 1;           ///< the last octet; the destination's is the other of 1 and 2
  base::Address source = client6;
  base::Address destination = edge6;
  Octets extensions{};                   ///< in front of the data; `first` names their first
  std::uint8_t first = 255;              ///< next header of the IPv6 header; 255: `next`
  std::uint8_t next = 17;                ///< what the data are
  std::uint8_t hop_limit = 64;
  Octets data{};
  std::size_t checksum_at = 6;           ///< in the data; beyond them: none
  int bytes_more = 0;                    ///< a lie in the payload length
  std::size_t padding_bytes = 0;

  [[nodiscard]] Octets build() const {
    const std::size_t bytes = extensions.size() + data.size() + static_cast<std::size_t>(bytes_more);
    Octets f(54);
    const std::uint8_t macs_and_type[] = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(3 - source_mac), 2, 0, 0, 0, 0, source_mac, 0x86, 0xdd, 0x60};
    std::ranges::copy(macs_and_type, f.data());
    f[18] = static_cast<std::uint8_t>(bytes >> 8);
    f[19] = static_cast<std::uint8_t>(bytes);
    f[20] = first == 255 ? next : first;
    f[21] = hop_limit;
    std::ranges::copy(source.octets(), f.data() + 22);
    std::ranges::copy(destination.octets(), f.data() + 38);
    append(f, extensions);
    Octets summed = data;
    if (checksum_at + 2 <= summed.size()) {
      const int sum = ~sum_by_division(pseudo(summed)) & 0xffff;
      summed[checksum_at] = static_cast<std::uint8_t>((sum == 0 ? 0xffff : sum) >> 8);
      summed[checksum_at + 1] = static_cast<std::uint8_t>(sum == 0 ? 0xffff : sum);
    }
    append(f, summed);
    f.resize(f.size() + padding_bytes, 0x5a);
    return f;
  }

 private:
  [[nodiscard]] Octets pseudo(const Octets& of) const {
    Octets all(40);
    std::ranges::copy(source.octets(), all.data());
    std::ranges::copy(destination.octets(), all.data() + 16);
    all[34] = static_cast<std::uint8_t>(of.size() >> 8);
    all[35] = static_cast<std::uint8_t>(of.size());
    all[39] = next;
    append(all, of);
    return all;
  }
};

/// A UDP datagram from port 5062 to port 5060, its checksum left to Ipv6Frame.
inline Octets udp6(std::string_view payload = "OPTIONS sip:a SIP/2.0\r\n") {
  const std::size_t bytes = 8 + payload.size();
  Octets o = {0x13, 0xc6, 0x13, 0xc4, static_cast<std::uint8_t>(bytes >> 8), static_cast<std::uint8_t>(bytes), 0, 0};
  append(o, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
  return o;
}

}  // namespace viaduct::net::test
