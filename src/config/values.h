// SPDX-License-Identifier: Apache-2.0
// Strings of the configuration turned into addresses, prefixes, keys and names; each refuses what it cannot read, with the place.
#pragma once
#include <sched.h>

#include <vector>

#include "reader.h"
#include "viaduct/config/config.h"

namespace viaduct::config {

inline constexpr std::string_view endpoint_text = "ADDRESS[:PORT], port 1 to 65535, default 5060";
inline constexpr std::string_view control_text = "ADDRESS:PORT, port 1 to 65535";
inline constexpr std::string_view listen_text = "ADDRESS[:PORT], with \" vlan 1\" to \" vlan 4094\" behind it where it is on one";
inline constexpr std::string_view way_text = "ADDRESS/BITS via ADDRESS, as 198.51.100.0/24 via 192.0.2.1";
inline constexpr std::string_view address_text = "an address, as 192.0.2.1 or 2001:db8::1";
inline constexpr std::string_view prefix_text = "ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32";
inline constexpr std::string_view mac_text = "six octets in hexadecimal, as 02:00:00:00:00:01, not multicast and not zero";
inline constexpr std::string_view link_prefix_text = "ADDRESS/BITS, with \" on PORT\", \" vlan 1\" to \" vlan 4094\", or both behind it";
inline constexpr std::string_view host_text =
    "a host name (letters, digits, '-', '.', up to 253 octets, the last label no number) or an address, one of IPv6 in brackets";
inline constexpr std::string_view interface_text = "1 to 15 characters without '/', ':' and blanks";
inline constexpr std::string_view key_text = "32 hexadecimal digits, not all zero";

inline constexpr std::int64_t cpu_max = CPU_SETSIZE - 1;

/// An address and port of either family, neither multicast nor unspecified.
[[nodiscard]] base::Endpoint endpoint(const Item& item);
/// The same with its port, for which there is no usual one.
[[nodiscard]] base::Endpoint control_endpoint(const Item& item);
/// A value without the link that stands behind it, and that link: `VALUE on PORT vlan NUMBER`, either of both left out. nullopt: neither is there, which is
/// refused where there are several ports.
struct Placed {
  Item value;
  std::optional<base::Link> link;
};
[[nodiscard]] Placed placed(const Item& item, const Config& config, std::string_view allowed);
/// The number of the port of that name.
[[nodiscard]] std::size_t port_number(const Item& name, const Config& config);
/// An address of either family, neither multicast nor unspecified.
[[nodiscard]] base::Address address(const Item& item);
[[nodiscard]] base::Prefix prefix(const Item& item);
[[nodiscard]] std::vector<base::Prefix> prefixes(const std::vector<Item>& items);
[[nodiscard]] std::array<std::uint8_t, 6> mac(const Item& item);
/// A host name in lower case, without trailing dot; an IPv6 address keeps its brackets.
[[nodiscard]] std::string host(const Item& item);
/// HOST[:PORT], the port 1 to 65535.
[[nodiscard]] bool is_host_port(std::string_view text);
/// The name of a network interface.
[[nodiscard]] std::string interface(const Item& item);
/// Bounds and default of an expiry, seconds.
struct Expiry {
  std::uint32_t min_s{}, default_s{}, max_s{};
};
/// The keys expires_min_s, expires_default_s (`usual_s` when it fits between the others) and expires_max_s, in this order of size.
[[nodiscard]] Expiry read_expiry(const Table& table, std::uint32_t usual_s);
/// 32 hexadecimal digits from `digits`, a part of the item. The error never shows the key.
[[nodiscard]] base::Key128 key128(const Item& item, std::string_view digits);
/// A name that becomes a file name and a label: letters, digits, '-', '_', '.', starting with a letter or digit.
[[nodiscard]] std::string label(const Item& item, std::size_t bytes_max);
[[nodiscard]] std::string label_text(std::size_t bytes_max);

/// Every address of either family.
[[nodiscard]] inline std::vector<base::Prefix> any_address() { return {base::whole_v4, base::whole_v6}; }

}  // namespace viaduct::config
