// SPDX-License-Identifier: Apache-2.0
// The edits of sip, called as the edge calls them; beside each the same from the lines of the reference parser, which knows nothing of edits.
#include "edits.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <vector>

#include "parser.h"
#include "viaduct/sip/forward.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/reply.h"

namespace viaduct::ref {
namespace {

constexpr std::string_view via_prefix = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=", via_end = ";oc;oc-algo=\"loss,rate\"\r\n";
constexpr std::string_view added_header = "X-Viaduct-Home: 1.2.3\r\n";
constexpr std::string_view status_line = "SIP/2.0 302 Moved Temporarily\r\n";
constexpr std::string_view reply_headers = "Contact: <sip:192.0.2.4:5060>\r\n";
constexpr std::uint64_t reply_tag = 0x0123456789abcdef;
constexpr std::string_view reply_tag_text = ";tag=aci2fm6e2xtpp";

sip::Branch our_branch() { return {.letter = 'x', .t = 0, .l = 0, .m = 0}; }

sip::ForwardRequest how(const base::Endpoint& source) {
  return {.source = source, .via_prefix = via_prefix, .branch = our_branch(), .headers = added_header, .via_end = via_end};
}

bool may_be_forwarded(const sip::Message& m) { return m.fault == sip::Bad::none && m.is_request && m.max_forwards > 0; }

/// A line with its topmost Via value replaced, when it holds that; `found` says whether an earlier one did.
std::string with_source_in_top_via(const std::string& line, const Parsed& message, const base::Endpoint& source, bool& found) {
  const auto values = elements(to_header(line).raw);
  if (found || values.empty()) return line;
  found = true;
  std::string out = line;
  return out.replace(line.find(values[0], line.find(':')), message.top_via.size(), reference_via(message.top_via, source));
}

/// One less, in as many places as it had, up to three.
std::string with_one_hop_less(const std::string& line, const Parsed& message) {
  const std::string number = to_header(line).raw;
  std::string less = std::to_string(message.max_forwards - 1);
  while (less.size() < std::min<std::size_t>(number.size(), 3)) less.insert(0, 1, ' ');
  std::string out = line;
  return out.replace(line.find(number, line.find(':')), number.size(), less);
}

std::string with_tag(const std::string& line) {
  std::string out = line;
  return out.insert(line.find_last_not_of(" \t\r\n") + 1, reply_tag_text);
}

/// Without the first Via value of the message, which is the first of this line. Empty when it stands there alone.
std::string without_first_value(const std::string& line, const std::vector<std::string>& values) {
  if (values.size() == 1) return "";
  const std::size_t first = line.find(values[0], line.find(':'));
  const std::size_t second = line.find(values[1], first + values[0].size());
  return line.substr(0, first) + line.substr(second);
}

std::vector<std::string> lines_of(const std::string& text) {
  const Head head = to_head(text);
  std::vector<std::string> lines = {head.start_line};
  lines.insert(lines.end(), head.lines.begin(), head.lines.end());
  lines.push_back(text.substr(std::min(head.bytes, text.size())));
  return lines;
}

/// Line by line what differs; the body counts as one line.
void compare(const std::string& what, const std::string& is, const std::string& should_be, std::string& report) {
  if (is == should_be) return;
  const auto a = lines_of(is), b = lines_of(should_be);
  report += what + " differs:\n";
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string left = i < a.size() ? a[i] : "", right = i < b.size() ? b[i] : "";
    if (left != right) report.append("  is '").append(left).append("', should be '").append(right).append("'\n");
  }
}

/// Whether it may be forwarded, but asks for more edits than there may be.
bool asks_for_too_much(std::string_view datagram, const base::Endpoint& source) {
  sip::Message m;
  static_cast<void>(sip::index(datagram, m));
  if (!may_be_forwarded(m)) return false;
  sip::Edits edits;
  plan_forward(m, m.top, how(source), edits);
  return edits.overflow();
}

}  // namespace

std::string reference_via(std::string_view via, const base::Endpoint& source) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (std::size_t i = 0; i < via.size(); ++i) {
    if (quoted && via[i] == '\\' && i + 1 < via.size()) {
      parts.back() += via[i++];
    } else if (via[i] == '"') {
      quoted = !quoted;
    } else if (via[i] == ';' && !quoted) {
      parts.emplace_back();
    }
    parts.back() += via[i];
  }
  std::string out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    std::string_view param = std::string_view(parts[i]).substr(1);
    param.remove_prefix(std::min(param.find_first_not_of(" \t\r\n"), param.size()));
    std::string name(param.substr(0, param.find_first_of("= \t\r\n")));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name != "received" && name != "rport") out += parts[i];
  }
  return out + ";received=" + source.address.text() + ";rport=" + std::to_string(source.port);
}

std::string redirected(std::string_view datagram, const base::Endpoint& source) {
  sip::Message m;
  static_cast<void>(sip::index(datagram, m));
  if (!m.answerable) return "";
  // A block of its own, so that a sanitizer sees what is written outside.
  const std::size_t room = datagram.size() + 1024;
  const auto out = std::make_unique<char[]>(room);
  const sip::Reply reply{.status_line = status_line, .source = source, .to_tag = reply_tag, .headers = reply_headers};
  return {out.get(), sip::write_reply(m, reply, {out.get(), room})};
}

std::string expected_redirect(std::string_view datagram, const base::Endpoint& source) {
  const Parsed message = parse(datagram);
  if (!message.answerable) return "";
  std::string out(status_line);
  bool top_via_found = false;
  std::set<std::string> seen;
  for (const std::string& line : to_head(std::string(datagram.substr(0, base::message_bytes_max))).lines) {
    const std::string name = to_header(line).name;
    if (name == "via") out += with_source_in_top_via(line, message, source, top_via_found);
    const bool is_copied = name == "from" || name == "to" || name == "call-id" || name == "cseq" || name == "timestamp";
    if (!is_copied || !seen.insert(name).second) continue;
    out += name == "to" && message.to_tag.empty() ? with_tag(line) : line;
  }
  return out.append(reply_headers).append(sip::reply_end);
}

std::string forwarded(std::string_view datagram, const base::Endpoint& source) {
  sip::Message m;
  static_cast<void>(sip::index(datagram, m));
  if (!may_be_forwarded(m)) return "";
  sip::Edits edits;
  plan_forward(m, m.top, how(source), edits);
  if (edits.overflow()) return "";
  const std::size_t bytes = m.bytes() + static_cast<std::size_t>(edits.growth());
  const auto out = std::make_unique<char[]>(bytes);
  return {out.get(), apply_to(edits, datagram.substr(0, m.bytes()), {out.get(), bytes})};
}

std::string forwarded_in_place(std::string_view datagram, const base::Endpoint& source) {
  // Room enough before the message, or also needed behind it.
  const std::size_t room_before = datagram.size() % 2 == 0 ? base::headroom_bytes + 40 : 60;
  constexpr std::size_t room_behind = 128;
  const auto block = std::make_unique<char[]>(room_before + datagram.size() + room_behind);
  char* const text = block.get() + room_before;
  std::copy(datagram.begin(), datagram.end(), text);
  sip::Message m;
  static_cast<void>(sip::index({text, datagram.size()}, m));
  if (!may_be_forwarded(m)) return "";
  const std::span<char> out = forward_in_place(m, how(source), {text, room_before, room_behind});
  return {out.begin(), out.end()};
}

std::string expected_forward(std::string_view datagram, const base::Endpoint& source) {
  const Parsed message = parse(datagram);
  if (!message.fault.empty() || !message.is_request || message.max_forwards == 0) return "";
  const Head head = to_head(std::string(datagram));
  const auto is_max_forwards = [](const std::string& line) { return to_header(line).name == "max-forwards"; };
  std::string out = head.start_line + std::string(via_prefix).append(our_branch_text).append(via_end).append(added_header);
  if (std::ranges::none_of(head.lines, is_max_forwards)) out += "Max-Forwards: 70\r\n";
  std::size_t head_bytes = head.start_line.size();
  bool top_via_found = false;
  for (const std::string& line : head.lines) {
    head_bytes += line.size();
    const std::string name = to_header(line).name;
    if (name == "via")
      out += with_source_in_top_via(line, message, source, top_via_found);
    else if (name == "max-forwards")
      out += with_one_hop_less(line, message);
    else if (name != "x-viaduct-home")
      out += line;
  }
  return out.append(datagram.substr(head_bytes, message.head_bytes + message.body.size() - head_bytes));
}

std::string returned(std::string_view datagram) {
  sip::Message m;
  static_cast<void>(sip::index(datagram, m));
  if (m.fault != sip::Bad::none || m.is_request || m.via_values < 2) return "";
  sip::Edits edits;
  plan_return(m, edits);
  const std::size_t bytes = m.bytes() + static_cast<std::size_t>(edits.growth());
  const auto out = std::make_unique<char[]>(bytes);
  return {out.get(), apply_to(edits, datagram.substr(0, m.bytes()), {out.get(), bytes})};
}

std::string expected_return(std::string_view datagram) {
  const Parsed message = parse(datagram);
  if (!message.fault.empty() || message.is_request || message.via_values < 2) return "";
  const Head head = to_head(std::string(datagram));
  std::string out = head.start_line;
  std::size_t head_bytes = head.start_line.size();
  bool removed = false;
  for (const std::string& line : head.lines) {
    head_bytes += line.size();
    const Header header = to_header(line);
    const auto values = header.name == "via" ? elements(header.raw) : std::vector<std::string>{};
    out += removed || values.empty() ? line : without_first_value(line, values);
    removed |= !values.empty();
  }
  return out.append(datagram.substr(head_bytes, message.head_bytes + message.body.size() - head_bytes));
}

std::string edit_differences(std::string_view datagram) {
  const base::Endpoint near{base::Address::v4({198, 51, 100, 9}), 40000};
  const base::Endpoint far{*base::Address::parse("2001:db8::1:2"), 5};
  std::string report;
  for (const base::Endpoint& source : {near, far}) {
    compare("redirect", redirected(datagram, source), expected_redirect(datagram, source), report);
    const std::string planned = forwarded(datagram, source), in_place = forwarded_in_place(datagram, source);
    if (!asks_for_too_much(datagram, source)) compare("forward", planned, expected_forward(datagram, source), report);
    if (!in_place.empty()) compare("forward in place", in_place, expected_forward(datagram, source), report);
  }
  compare("return", returned(datagram), expected_return(datagram), report);
  return report;
}

}  // namespace viaduct::ref
