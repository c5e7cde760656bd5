// SPDX-License-Identifier: Apache-2.0
// A shard's life: mail in, bindings changed, answers out.
#include "viaduct/registrar/shard.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "viaduct/net/frame.h"
#include "viaduct/sip/reply.h"
#include "viaduct/sip/token.h"
#include "viaduct/sip/uri.h"
#include "viaduct/sip/via.h"

namespace viaduct::registrar {
namespace {

// A list of bindings must not make us an amplifier towards a source that has not shown that it receives.
constexpr std::size_t answer_growth_max = 3;

std::string_view payload_of(nic::Packet p, const site::Note& note) {
  return {reinterpret_cast<const char*>(p.data()) + note.frame.payload_offset, note.frame.payload_bytes};
}

// RFC 3261 10.3 step 2: extensions that the client requires and we lack.
Outcome unsupported(const sip::Message& request) {
  Outcome out{.status = 420};
  out.headers = "Unsupported: ";
  for (const char c : request.value(sip::HeaderId::require)) out.headers += c == '\r' || c == '\n' ? ' ' : c;
  out.headers += "\r\n";
  return out;
}

}  // namespace

Shard::Shard(site::Commons& commons, bool may_use_control_queue, const Rules& rules)
    : commons_(commons), wire_(commons, may_use_control_queue), bindings_(rules) {}

std::size_t Shard::poll(std::size_t registrations_max, std::uint64_t now_s) {
  std::array<nic::Packet, base::burst_pkts_max> pkts;
  const std::size_t count = commons_.to_registrar.pop({reinterpret_cast<void**>(pkts.data()), std::min(registrations_max, pkts.size())});
  for (std::size_t i = 0; i < count; ++i) take(pkts[i], now_s);
  bindings_.expire(now_s);
  return count;
}

void Shard::take(nic::Packet p, std::uint64_t now_s) {
  counters_.received.add(1);
  const auto note = p.note<site::Note>();
  static_cast<void>(sip::index(payload_of(p, note), message_));  // a fault stays in the message
  const Answer out = answer(message_, note, commons_.site.read(), now_s);
  if (out.bytes == 0 || out.bytes > note.frame.payload_bytes + p.tailroom()) {
    counters_.dropped.add(1);
    nic::free(p);
    return;
  }
  (out.status == 200 ? counters_.answered : counters_.refused).add(1);
  send(p, note, out.bytes);
}

// Writes the answer into scratch_; 0 octets when none can be given.
Shard::Answer Shard::answer(const sip::Message& request, const site::Note& note, const site::Site& site, std::uint64_t now_s) {
  const auto top = sip::parse_via(request[request.top_via]);
  std::array<char, base::aor_bytes_max> room;
  const auto canonical = sip::canonical_aor(request[request.to_uri], site.domains, room);
  if (!top || !canonical) return {};
  Outcome outcome = request.has(sip::HeaderId::require) ? unsupported(request) : bindings_.process(request, *canonical, note.client, note.frame.source, now_s);
  outcome.headers += site.server_header;
  sip::Reply reply{.status_line = outcome.fault != sip::Bad::none ? sip::status_line(outcome.fault) : sip::status_line(outcome.status),
                   .source = note.frame.source,
                   .to_tag = sip::reply_tag(request, *top, site.keys.signing()),
                   .headers = outcome.headers};
  std::size_t bytes = sip::write_reply(request, reply, scratch_);
  if (bytes == 0 || bytes > answer_growth_max * request.text.size()) {
    outcome.status = 500;
    reply.status_line = sip::status_line(outcome.status);
    reply.headers = site.server_header;
    bytes = sip::write_reply(request, reply, scratch_);
  }
  return {.status = outcome.status, .bytes = bytes};
}

void Shard::send(nic::Packet p, const site::Note& note, std::size_t bytes) {
  std::uint8_t* payload = p.data() + note.frame.payload_offset;
  std::memcpy(payload, scratch_.data(), bytes);
  const std::uint8_t* start = net::write_headers(payload, bytes, net::turned_around(note.frame), commons_.port.checksum_work());
  p.set(start, net::header_bytes(note.frame.source.address.is_v4()) + bytes);
  site::tag(p, note.frame.vlan);
  wire_.send(p);
}

}  // namespace viaduct::registrar
