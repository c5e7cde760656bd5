// SPDX-License-Identifier: Apache-2.0
// Field by field, then the invariants: slices inside the text, lines without a gap, parsers that agree with what the index has found.
#include "compare.h"

#include <array>
#include <map>
#include <sstream>

#include "parser.h"
#include "viaduct/sip/contact.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/uri.h"
#include "viaduct/sip/via.h"

namespace viaduct::ref {
namespace {

using sip::Message;

class Report {
 public:
  template <typename A, typename B>
  void equal(const char* what, const A& fast, const B& slow) {
    if (!(fast == slow)) out_ << what << ": index '" << fast << "', reference '" << slow << "'\n";
  }
  void holds(const char* what, bool good) {
    if (!good) out_ << what << " does not hold\n";
  }
  [[nodiscard]] std::string text() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

void compare_fields(const Message& m, const Parsed& p, Report& report) {
  report.equal("fault", name(m.fault), p.fault.empty() ? std::string{"none"} : p.fault);
  report.equal("is_request", m.is_request, p.is_request);
  report.equal("answerable", m.answerable, p.answerable);
  report.equal("status", m.status, p.status);
  report.equal("headers", int{m.headers}, p.headers);
  report.equal("via_values", int{m.via_values}, p.via_values);
  report.equal("top_via", m[m.top_via], p.top_via);
  report.equal("second_via", m[m.second_via], p.second_via);
  report.equal("from_uri", m[m.from_uri], p.from_uri);
  report.equal("to_uri", m[m.to_uri], p.to_uri);
  report.equal("call_id", m[m.call_id], p.call_id);
  report.equal("cseq_number", m.cseq_number, p.cseq_number);
  report.equal("max_forwards", int{m.max_forwards}, p.max_forwards);
  if (m.is_request) report.equal("method", m[m.method_text], p.method);
  if (m.fault != sip::Bad::none) return;
  report.equal("request_uri", m[m.request_uri], p.request_uri);
  report.equal("from_tag", m[m.from_tag], p.from_tag);
  report.equal("to_tag", m[m.to_tag], p.to_tag);
  report.equal("head_bytes", std::size_t{m.head_bytes}, p.head_bytes);
  report.equal("body", m[m.body], p.body);
  report.equal("method token", token(m.method), token(m.method).empty() ? std::string{} : p.method);
}

const std::map<std::string, sip::HeaderId> ids = {
    {"via", sip::HeaderId::via},
    {"from", sip::HeaderId::from},
    {"to", sip::HeaderId::to},
    {"call-id", sip::HeaderId::call_id},
    {"cseq", sip::HeaderId::cseq},
    {"max-forwards", sip::HeaderId::max_forwards},
    {"content-length", sip::HeaderId::content_length},
    {"route", sip::HeaderId::route},
    {"contact", sip::HeaderId::contact},
    {"user-agent", sip::HeaderId::user_agent},
    {"expires", sip::HeaderId::expires},
    {"record-route", sip::HeaderId::record_route},
    {"path", sip::HeaderId::path},
    {"proxy-require", sip::HeaderId::proxy_require},
    {"require", sip::HeaderId::require},
    {"timestamp", sip::HeaderId::timestamp},
    {"authorization", sip::HeaderId::authorization},
    {"event", sip::HeaderId::event},
    {"x-viaduct-home", sip::HeaderId::x_viaduct_home},
    {"min-expires", sip::HeaderId::min_expires},
    {"supported", sip::HeaderId::supported},
};

/// Each line has the id of its name, as the reference reads it, and each id its first line.
void check_names(const Message& m, Report& report) {
  std::array<std::uint8_t, sip::header_ids_count> first;
  first.fill(sip::no_header);
  for (std::size_t i = m.headers; i-- > 0;) {
    const std::string line{m.header_line(i)};
    const std::string name = to_header(line).name;
    const auto known = ids.find(name);
    const sip::HeaderId id = known == ids.end() ? sip::HeaderId::other : known->second;
    report.equal("id", static_cast<int>(m.id[i]), static_cast<int>(id));
    if (!name.empty()) report.equal("name_bytes", std::size_t{m.name_bytes[i]}, line.find_first_of(": \t\r\n"));
    first[static_cast<std::size_t>(id)] = static_cast<std::uint8_t>(i);
  }
  for (std::size_t id = 1; id < first.size(); ++id) report.equal("first", int{m.first[id]}, int{first[id]});
}

void check_lines(const Message& m, Report& report) {
  std::size_t values = 0;
  for (std::size_t i = 0; i < m.headers; ++i) {
    report.holds("line order", m.line[i] < m.line[i + 1] && m.line[i + 1] <= m.text.size());
    report.holds("line end", m.header_line(i).ends_with('\n'));
    const std::string_view value = m.header_value(i);
    report.holds("value in line", value.empty() || (value.data() >= m.text.data() + m.line[i] && value.data() + value.size() <= m.text.data() + m.line[i + 1]));
    if (m.id[i] != sip::HeaderId::via) continue;
    for (std::string_view rest = value; !sip::next_value(rest).empty();) ++values;
  }
  if (m.fault == sip::Bad::none) report.equal("values by next_value", values, std::size_t{m.via_values});
}

void check_via(const Message& m, Report& report) {
  if (m.top_via.bytes == 0) return;
  const auto via = sip::parse_via(m[m.top_via]);
  report.holds("parse_via of the top value", via.has_value());
  if (!via) return;
  report.equal("sent-by", m.top.sent_by, via->sent_by);
  report.equal("transport", m.top.transport, via->transport);
  report.equal("host", m.top.host, via->host);
  report.equal("port", m.top.port, via->port);
  report.equal("branch", m.top.branch, via->branch);
  report.equal("received", m.top.received, via->received);
  report.equal("rport", m.top.rport, via->rport);
  report.equal("has_rport", m.top.has_rport, via->has_rport);
  report.equal("maddr", m.top.maddr, via->maddr);
  static_cast<void>(response_destination(*via));
}

/// The canonical form of a canonical form is itself.
void check_uris(const Message& m, Report& report) {
  static const sip::Domains domains{{"example.com", "example.net"}, {{"alias.example.org", "example.com"}}, "example.com"};
  std::array<char, base::aor_bytes_max> out, again;
  for (const sip::Slice slice : {m.to_uri, m.from_uri, m.request_uri}) {
    const std::string_view uri = m[slice];
    const auto aor = canonical_aor(uri, domains, out);
    if (!aor) continue;
    const auto twice = canonical_aor("sip:" + std::string{*aor}, domains, again);
    report.holds("canonical twice", twice && *twice == *aor);
    report.holds("equal to itself", sip::uri_equal(uri, uri));
  }
  if (const auto contacts = sip::contacts(m); contacts)
    for (std::size_t i = 0; i < contacts->count; ++i) static_cast<void>(sip::uri_equal(contacts->values[i].uri, contacts->values[0].uri));
}

}  // namespace

std::string differences(std::string_view datagram) {
  Report report;
  Message m;
  const sip::Bad fault = sip::index(datagram, m);
  report.holds("returned fault", fault == m.fault);
  compare_fields(m, parse(datagram), report);
  check_names(m, report);
  check_lines(m, report);
  check_via(m, report);
  check_uris(m, report);
  return report.text();
}

}  // namespace viaduct::ref
