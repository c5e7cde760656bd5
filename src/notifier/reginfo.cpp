// SPDX-License-Identifier: Apache-2.0
// Writing what watchers of registrations are told.
#include "viaduct/notifier/reginfo.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <pugixml.hpp>
#include <utility>

#include "xml_text.h"

namespace viaduct::notifier {
namespace {

constexpr std::array contact_states = {"active", "terminated"};
constexpr std::array contact_events = {"registered", "created", "refreshed", "shortened", "expired", "deactivated", "probation", "unregistered", "rejected"};
constexpr std::array registration_states = {"init", "active", "terminated"};

class Text : public pugi::xml_writer {
 public:
  std::string text;
  void write(const void* data, std::size_t bytes) override { text.append(static_cast<const char*>(data), bytes); }
};

void put(pugi::xml_node& node, const char* name, const char* value) { node.append_attribute(name).set_value(value); }
void put(pugi::xml_node& node, const char* name, const std::string& value) { put(node, name, value.c_str()); }
void put(pugi::xml_node& node, const char* name, std::optional<std::uint32_t> number) {
  if (number) node.append_attribute(name).set_value(*number);
}

std::string hex(std::uint64_t number) {
  std::array<char, 16> digits;
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), number, 16).ptr};
}

/// RFC 3261 25.1 qvalue, without zeros at the end.
std::string q_value(std::uint16_t milli) {
  std::string digits = std::to_string(1000 + milli % 1000).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  std::string out = milli >= 1000 ? "1" : "0";
  if (!digits.empty()) out.append(".").append(digits);
  return out;
}

void put_child(pugi::xml_node& node, const char* name, const std::string& text) { node.append_child(name).text().set(text.c_str()); }

/// The order of the children is the schema's.
void put_contact(pugi::xml_node& registration, const ReginfoContact& c) {
  auto node = registration.append_child("contact");
  put(node, "id", hex(c.id));
  put(node, "state", contact_states[std::to_underlying(c.state)]);
  put(node, "event", contact_events[std::to_underlying(c.event)]);
  put(node, "duration-registered", c.duration_s);
  put(node, "expires", c.expires_s);
  put(node, "retry-after", c.retry_after_s);
  if (c.q_milli) put(node, "q", q_value(*c.q_milli));
  if (!c.call_id.empty()) put(node, "callid", xml_text(c.call_id));
  put(node, "cseq", c.cseq);
  put_child(node, "uri", xml_uri(c.uri));
  if (!c.instance.empty()) {
    put_child(node, "unknown-param", xml_text(c.instance));
    auto param = node.last_child();
    put(param, "name", "+sip.instance");
  }
  if (!c.gruu.empty()) {
    auto gruu = node.append_child("gr:pub-gruu");
    put(gruu, "uri", xml_uri(c.gruu));
  }
}

}  // namespace

std::string reginfo_xml(const Reginfo& reginfo) {
  pugi::xml_document document;
  auto root = document.append_child("reginfo");
  put(root, "xmlns", "urn:ietf:params:xml:ns:reginfo");
  if (std::ranges::any_of(reginfo.contacts, [](const ReginfoContact& c) { return !c.gruu.empty(); })) put(root, "xmlns:gr", "urn:ietf:params:xml:ns:gruuinfo");
  put(root, "version", std::optional{reginfo.version});
  put(root, "state", reginfo.is_full ? "full" : "partial");
  auto registration = root.append_child("registration");
  put(registration, "aor", xml_uri(reginfo.aor_uri));
  put(registration, "id", hex(reginfo.registration_id));
  put(registration, "state", registration_states[std::to_underlying(reginfo.state)]);
  for (const ReginfoContact& c : reginfo.contacts) put_contact(registration, c);
  Text out;
  document.save(out, "", pugi::format_raw, pugi::encoding_utf8);
  return std::move(out.text);
}

}  // namespace viaduct::notifier
