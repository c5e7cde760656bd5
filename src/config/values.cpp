// SPDX-License-Identifier: Apache-2.0
// The strings of the configuration that have a form of their own.
#include "values.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

constexpr std::uint16_t sip_port = 5060;        // RFC 3261 19.1.2
constexpr std::size_t host_bytes_max = 253;     // RFC 1035 2.3.4, without the root's dot
constexpr std::size_t host_label_bytes_max = 63;

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Two hexadecimal digits at `text`.
std::optional<std::uint8_t> octet(std::string_view text) {
  std::uint8_t value = 0;
  if (text.size() < 2) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value, 16);
  if (error != std::errc{} || end != text.data() + 2) return std::nullopt;
  return value;
}

/// An address is no name: the last label of a name is not a number (RFC 1123 2.1, RFC 3261 25.1).
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > host_bytes_max) return false;
  std::size_t label_bytes = 0;
  char before = '.';
  for (const char c : name) {
    if (c == '.') {
      if (label_bytes == 0 || before == '-') return false;
      label_bytes = 0;
    } else {
      // '_' is no host name's, but some sites' domains have it.
      if (!is_alphanumeric(c) && c != '_' && (c != '-' || label_bytes == 0)) return false;
      if (++label_bytes > host_label_bytes_max) return false;
    }
    before = c;
  }
  return label_bytes > 0 && before != '-' && name.find_first_not_of("0123456789", name.rfind('.') + 1) != name.npos;
}

/// As host() gives it; nullopt: it is none.
std::optional<std::string> read_host(std::string_view text) {
  std::string name{text};
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    const auto address = base::Address::parse(std::string_view{name}.substr(1, name.size() - 2));
    return address && !address->is_v4() ? std::optional('[' + address->text() + ']') : std::nullopt;
  }
  if (name.ends_with('.')) name.pop_back();
  const auto address = base::Address::parse(name);
  return is_host_name(name) || (address && address->is_v4()) ? std::optional(name) : std::nullopt;
}

}  // namespace

static base::Endpoint endpoint(const Item& item, std::uint16_t usual_port, std::string_view allowed) {
  const auto parsed = base::Endpoint::parse(item.text, usual_port);
  if (!parsed || parsed->port == 0) item.refuse_text("is not an address with a port", allowed);
  if (parsed->address.is_unusable_destination()) item.refuse_text("is multicast, broadcast or unspecified", allowed);
  return *parsed;
}

base::Endpoint endpoint(const Item& item) { return endpoint(item, sip_port, endpoint_text); }
base::Endpoint control_endpoint(const Item& item) { return endpoint(item, 0, control_text); }

namespace {

/// What stands behind a word at the end of the text, which is cut off in front of it.
std::optional<std::string> cut_behind(std::string& text, std::string_view word) {
  const std::size_t at = text.find(word);
  if (at == text.npos) return std::nullopt;
  std::string behind = text.substr(at + word.size());
  text.resize(at);
  return behind;
}

}  // namespace

std::size_t port_number(const Item& name, const Config& config) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < config.dpdk.ports.size(); ++i) {
    if (config.dpdk.ports[i].name == name.text) return i;
    if (!config.dpdk.ports[i].name.empty()) names.push_back(config.dpdk.ports[i].name);
  }
  name.refuse("there is no port \"" + name.text + '"', names.empty() ? "the name of a [[dpdk.port]]" : list_of(names));
}

Placed placed(const Item& item, const Config& config, std::string_view allowed) {
  Placed out{.value = item, .link = std::nullopt};
  const auto vlan_word = cut_behind(out.value.text, " vlan ");
  const auto port_word = cut_behind(out.value.text, " on ");
  std::uint16_t vlan = 0;
  if (vlan_word) {
    const auto [end, error] = std::from_chars(vlan_word->data(), vlan_word->data() + vlan_word->size(), vlan);
    if (error != std::errc{} || end != vlan_word->data() + vlan_word->size() || vlan == 0 || vlan > base::vlan_max)
      item.refuse_text("has no VLAN behind \"vlan\"", allowed);
  }
  if (!port_word && config.dpdk.ports.size() > 1) item.refuse_text("does not say on which port", "ending in \" on PORT\", a [[dpdk.port]]'s name");
  const std::size_t port = port_word ? port_number({item.place, *port_word}, config) : 0;
  if (port_word || vlan_word) out.link = base::Link(port, vlan);
  return out;
}

base::Address address(const Item& item) {
  const auto parsed = base::Address::parse(item.text);
  if (!parsed) item.refuse_text("is not an address", address_text);
  if (parsed->is_unusable_destination()) item.refuse_text("is multicast, broadcast or unspecified", address_text);
  return *parsed;
}

base::Prefix prefix(const Item& item) {
  const auto parsed = base::Prefix::parse(item.text);
  if (!parsed) item.refuse_text("is not a prefix", prefix_text);
  return *parsed;
}

std::vector<base::Prefix> prefixes(const std::vector<Item>& items) {
  std::vector<base::Prefix> out;
  for (const auto& item : items) out.push_back(prefix(item));
  return out;
}

std::array<std::uint8_t, 6> mac(const Item& item) {
  std::array<std::uint8_t, 6> octets{};
  bool reads = item.text.size() == 17;
  for (std::size_t i = 0; reads && i < octets.size(); ++i) {
    const auto value = octet(std::string_view{item.text}.substr(3 * i));
    reads = value.has_value() && (i == 0 || item.text[3 * i - 1] == ':');
    octets[i] = value.value_or(0);
  }
  const bool is_multicast = (octets[0] & 1) != 0;
  const bool is_zero = octets == std::array<std::uint8_t, 6>{};
  if (!reads || is_multicast || is_zero) item.refuse_text("is not the address of a station", mac_text);
  return octets;
}

std::string interface(const Item& item) {
  constexpr std::size_t bytes_max = 15;  // IFNAMSIZ - 1
  if (item.text.empty() || item.text.size() > bytes_max || item.text.find_first_of("/ :") != item.text.npos)
    item.refuse_text("is not the name of an interface", interface_text);
  return item.text;
}

std::string host(const Item& item) {
  auto name = read_host(item.text);
  if (!name) item.refuse_text("is not a host", host_text);
  return std::move(*name);
}

bool is_host_port(std::string_view text) {
  const std::size_t colon = text.find(':', text.starts_with('[') ? text.find(']') : 0);
  if (!read_host(text.substr(0, colon))) return false;
  if (colon == text.npos) return true;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

base::Key128 key128(const Item& item, std::string_view digits) {
  base::Key128 key{};
  bool reads = digits.size() == 2 * key.size();
  for (std::size_t i = 0; reads && i < key.size(); ++i) {
    const auto value = octet(digits.substr(2 * i));
    reads = value.has_value();
    key[i] = value.value_or(0);
  }
  if (!reads) item.refuse("has no 32 hexadecimal digits", key_text);
  if (key == base::Key128{}) item.refuse("is all zero", key_text);
  return key;
}

std::string label_text(std::size_t bytes_max) { return "1 to " + std::to_string(bytes_max) + " letters, digits, '-', '_' or '.', the first a letter or digit"; }

std::string label(const Item& item, std::size_t bytes_max) {
  const bool reads = !item.text.empty() && item.text.size() <= bytes_max && is_alphanumeric(item.text[0]) &&
                     std::all_of(item.text.begin(), item.text.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  if (!reads) item.refuse_text("is not a name", label_text(bytes_max));
  return item.text;
}

}  // namespace viaduct::config
