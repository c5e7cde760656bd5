// SPDX-License-Identifier: Apache-2.0
// Answers and edits, composed from a judgement; the packet they go into is act.cpp's business.
#include "viaduct/edge/compose.h"

#include <array>

#include "viaduct/base/append.h"
#include "viaduct/sip/forward.h"
#include "viaduct/sip/reply.h"

namespace viaduct::edge {
namespace {

using base::Append;
using base::Verdict;

// Seconds after which a client may ask again when no home is up: long enough to spread, short enough to recover.
constexpr std::uint64_t retry_after_s = 30;

void put_proof(Append& out, const Subject& s, const assign::Home& home, const Site& site, const Stamp& stamp) {
  std::array<char, sip::home_proof_bytes_max> text;
  const sip::HomeProof proof{.epoch = stamp.epoch, .expires_min = sip::proof_expiry(stamp.now_min)};
  out << std::string_view{text.data(), sip::write_home_proof(proof, s.client, home.name, site.keys.signing(), text)};
}

void put_contact(Append& out, const Subject& s, const assign::Home& home, const Site& site, const Stamp& stamp) {
  out << (s.source.address.is_v4() ? home.contact_v4 : home.contact_v6);
  if (home.is_viaduct) {
    out << ";vh=";
    put_proof(out, s, home, site, stamp);
  }
  out << ">\r\n";
}

// RFC 3261 20.40: the option tags that made us refuse.
void put_unsupported(Append& out, const Subject& s) {
  out << "Unsupported: ";
  for (const char c : s.msg.value(sip::HeaderId::proxy_require)) out << (c == '\r' || c == '\n' ? ' ' : c);
  out << "\r\n";
}

void put_headers(Append& out, const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp) {
  if (j.verdict == Verdict::redirected) put_contact(out, s, site.homes[j.home], site, stamp);
  if (j.verdict == Verdict::answered) {
    out << site.options_headers;
    return;
  }
  if (j.status == 420) put_unsupported(out, s);
  if (j.status == 503) out << "Retry-After: " << retry_after_s << "\r\n";
  out << site.server_header;
}

std::string_view status_line(const Judgement& j, const Site& site) {
  if (j.verdict == Verdict::redirected) return site.redirect_status_line;
  return j.fault != sip::Bad::none ? sip::status_line(j.fault) : sip::status_line(j.status);
}

std::size_t answer_bytes_max(const Subject& s, const Judgement& j) {
  const std::size_t request = s.msg.text.size();
  return j.verdict == Verdict::answered ? 3 * request : request + base::reply_growth_bytes_max;
}

}  // namespace

std::size_t compose_answer(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, std::uint64_t tag, std::span<char> out) {
  const sip::Reply reply{.status_line = status_line(j, site), .source = s.source, .to_tag = tag, .readable_behind = s.readable_behind};
  const std::size_t start = sip::write_reply_start(s.msg, reply, out);
  if (start == 0) return 0;
  Append more(out.subspan(start));
  put_headers(more, s, j, site, stamp);
  more << sip::reply_end;
  const std::size_t bytes = start + more.bytes();
  return !more.overflow() && bytes <= answer_bytes_max(s, j) ? bytes : 0;
}

void compose_edits(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, sip::Edits& out) {
  if (j.verdict == Verdict::returned) {
    sip::plan_return(s.msg, out);
    return;
  }
  const assign::Home& home = site.homes[j.home];
  std::array<char, 64> room;
  Append headers(room);
  if (home.is_viaduct && s.msg.method == sip::Method::register_) {
    headers << "X-Viaduct-Home: ";
    put_proof(headers, s, home, site, stamp);
    headers << "\r\n";
  }
  const sip::Branch branch = sip::make_branch(s.msg, s.top, sip::Direction::to_home, s.source, site.keys);
  sip::plan_forward(s.msg, s.top, {.source = s.source, .via_prefix = s.listener->via_prefix, .branch = branch, .headers = headers.text()}, out);
}

}  // namespace viaduct::edge
