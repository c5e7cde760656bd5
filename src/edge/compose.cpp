// SPDX-License-Identifier: Apache-2.0
// Answers and edits, composed from a judgement; the packet they go into is act.cpp's business.
#include "viaduct/edge/compose.h"

#include <array>
#include <cstring>

#include "viaduct/base/append.h"
#include "viaduct/base/text.h"
#include "viaduct/sip/forward.h"
#include "viaduct/sip/reply.h"

namespace viaduct::edge {
namespace {

using base::Append;
using base::Verdict;

// Seconds after which a client may ask again when no home is up: long enough to spread, short enough to recover.
constexpr std::uint64_t retry_after_s = 30;

// Writes at most home_proof_bytes_max octets; returns their end.
char* put_proof(char* at, const Subject& s, const assign::Home& home, const Site& site, const Stamp& stamp) {
  const sip::HomeProof proof{.epoch = stamp.epoch, .expires_min = sip::proof_expiry(stamp.now_min)};
  return at + sip::write_home_proof(proof, s.client, home.name, site.keys.signing(), std::span<char, sip::home_proof_bytes_max>{at, sip::home_proof_bytes_max});
}

// What stands in a redirect behind the request's own headers. Returns octets; 0 when there may be too little room.
std::size_t put_redirect_end(std::span<char> out, const Subject& s, assign::HomeIndex index, const Site& site, const Stamp& stamp) {
  constexpr std::string_view proof_name = ";vh=";
  const assign::HomeBrief& home = site.homes.brief(index);
  const bool is_v4 = s.source.address.is_v4();
  const std::size_t contact_bytes = is_v4 ? home.contact_v4.size() : site.homes[index].contact_v6.size();
  if (out.size() < contact_bytes + proof_name.size() + sip::home_proof_bytes_max + site.redirect_end.size()) return 0;
  char* at = out.data();
  if (is_v4) [[likely]] {
    std::memcpy(at, home.contact_v4.data(), home.contact_v4.size());
    at += home.contact_v4_bytes;
  } else {
    at = base::copy_text(at, site.homes[index].contact_v6);
  }
  if (home.is_viaduct) at = put_proof(base::copy_text(at, proof_name), s, site.homes[index], site, stamp);
  at = base::copy_text(at, site.redirect_end);
  return static_cast<std::size_t>(at - out.data());
}

// RFC 3261 20.40: the option tags that made us refuse.
void put_unsupported(Append& out, const Subject& s) {
  out << "Unsupported: ";
  for (const char c : s.msg.value(sip::HeaderId::proxy_require)) out << (c == '\r' || c == '\n' ? ' ' : c);
  out << "\r\n";
}

// The same in any other answer.
[[gnu::noinline]] std::size_t put_answer_end(std::span<char> room, const Subject& s, const Judgement& j, const Site& site) {
  Append out(room);
  if (j.verdict == Verdict::answered) {
    out << site.options_headers;
  } else {
    if (j.status == 420) put_unsupported(out, s);
    if (j.status == 503) out << "Retry-After: " << retry_after_s << "\r\n";
    out << site.server_header;
  }
  out << sip::reply_end;
  return out.overflow() ? 0 : out.bytes();
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
  const std::span<char> room{out.data() + start, out.size() - start};
  const std::size_t end = j.verdict == Verdict::redirected ? put_redirect_end(room, s, j.home, site, stamp) : put_answer_end(room, s, j, site);
  return end != 0 && start + end <= answer_bytes_max(s, j) ? start + end : 0;
}

namespace {

// The longest line of ours in a forwarded REGISTER beside the Via: `X-Viaduct-Home: `, a proof, CRLF.
using HeaderRoom = std::array<char, 64>;

sip::ForwardRequest forward_request(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, HeaderRoom& room) {
  const assign::Home& home = site.homes[j.home];
  char* at = room.data();
  if (home.is_viaduct && s.msg.method == sip::Method::register_) {
    at = put_proof(base::copy_text(at, "X-Viaduct-Home: "), s, home, site, stamp);
    at = base::copy_text(at, "\r\n");
  }
  return {.source = s.source,
          .via_prefix = s.listener->via_prefix,
          .branch = sip::make_branch(s.msg, s.msg.top, sip::Direction::to_home, s.source, site.keys),
          .headers = {room.data(), at}};
}

}  // namespace

char* compose_in_place(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, char* text, std::size_t room_before, sip::Edits& out) {
  HeaderRoom room;
  const sip::ForwardRequest how = forward_request(s, j, site, stamp, room);
  char* const start = sip::forward_in_place(s.msg, how, text, room_before);
  if (start == nullptr) sip::plan_forward(s.msg, s.msg.top, how, out);
  return start;
}

void compose_edits(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, sip::Edits& out) {
  if (j.verdict == Verdict::returned) {
    sip::plan_return(s.msg, out);
    return;
  }
  HeaderRoom room;
  sip::plan_forward(s.msg, s.msg.top, forward_request(s, j, site, stamp, room), out);
}

}  // namespace viaduct::edge
