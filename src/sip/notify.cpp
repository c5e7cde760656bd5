// SPDX-License-Identifier: Apache-2.0
// NOTIFY requests, written line by line.
#include "viaduct/sip/notify.h"

#include "field.h"
#include "viaduct/base/append.h"
#include "viaduct/sip/uri.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view max_forwards_line = "Max-Forwards: 70\r\n";  // RFC 3261 8.1.1.6

std::string_view uri_of(std::string_view route) {
  Cursor c{route};
  NameAddr name;
  return take_name_addr(c, name) ? name.uri : std::string_view{};
}

/// A Route's URI as it may stand in a request line: without headers and method parameter (RFC 3261 19.1.1 table 1).
void put_request_uri(std::string_view uri, const Uri& parts, base::Append& out) {
  const std::size_t behind_host = parts.params.empty() ? uri.find('?') : static_cast<std::size_t>(parts.params.data() - 1 - uri.data());
  out << uri.substr(0, behind_host);
  for (std::string_view rest = parts.params; !rest.empty();) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view param = rest.substr(0, end);
    if (!equal_ignoring_case(param.substr(0, param.find('=')), "method")) out << ';' << param;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string_view since(const base::Append& text, std::size_t from) { return text.text().substr(from); }

void put_name_addr(std::string_view name, std::string_view uri, std::string_view tag, base::Append& out) {
  out << name << '<' << uri << '>';
  if (!tag.empty()) out << ";tag=" << tag;
  out << "\r\n";
}

void put_line(std::string_view name, std::string_view value, base::Append& out) {
  if (!value.empty()) out << name << value << "\r\n";
}

}  // namespace

std::optional<Routing> arrange_routes(std::string_view remote_target, std::string_view route_set, std::span<char> out) {
  if (route_set.empty()) return Routing{.request_uri = remote_target, .routes = {}, .next_hop = remote_target};
  std::string_view rest = route_set;
  const std::string_view first = uri_of(next_value(rest));
  const auto parts = parse_uri(first);
  if (!parts || parts->host.empty()) return std::nullopt;
  if (uri_param(parts->params, "lr").found) return Routing{.request_uri = remote_target, .routes = route_set, .next_hop = first};
  base::Append text(out);
  put_request_uri(first, *parts, text);
  const std::size_t uri_bytes = text.bytes();
  if (const std::string_view others = trimmed(rest); !others.empty()) text << others << ", ";
  text << '<' << remote_target << '>';
  if (text.overflow()) return std::nullopt;
  const std::string_view request_uri = text.text().substr(0, uri_bytes);
  return Routing{.request_uri = request_uri, .routes = since(text, uri_bytes), .next_hop = request_uri};
}

std::size_t write_notify(const Notify& notify, std::span<char> out) {
  base::Append text(out);
  text << "NOTIFY " << notify.request_uri << " SIP/2.0\r\nVia: " << notify.via << "\r\n" << max_forwards_line;
  put_line("Route: ", notify.routes, text);
  put_name_addr("From: ", notify.from, notify.from_tag, text);
  put_name_addr("To: ", notify.to, notify.to_tag, text);
  text << "Call-ID: " << notify.call_id << "\r\nCSeq: " << std::uint64_t{notify.cseq} << " NOTIFY\r\n";
  put_name_addr("Contact: ", notify.contact, {}, text);
  text << "Event: " << notify.event << "\r\nSubscription-State: " << notify.subscription_state << "\r\n";
  put_line("SIP-ETag: ", notify.etag, text);
  text << notify.headers;
  put_line("Content-Type: ", notify.content_type, text);
  text << "Content-Length: " << std::uint64_t{notify.body.size()} << "\r\n\r\n" << notify.body;
  return text.overflow() ? 0 : text.bytes();
}

}  // namespace viaduct::sip
