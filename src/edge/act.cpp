// SPDX-License-Identifier: Apache-2.0
// Carrying out judgements: answers behind the request that they copy from, edits in place, frames to the wire, notes to the other cores.
#include "act.h"

#include <cstring>

#include "own.h"
#include "viaduct/base/limits.h"
#include "viaduct/base/text.h"
#include "viaduct/net/usual_frame.h"
#include "viaduct/site/handed_index.h"
#include "viaduct/site/wire.h"

namespace viaduct::edge {
namespace {

using base::Drop;
using base::Verdict;

// Octets by which the room behind a frame must exceed it for the answer to be composed there: what an answer may add, and a little so that lines are
// copied by whole vectors. A 2xx, which may add more, is composed beside the packet.
constexpr std::size_t behind_growth_max = 208;
static_assert(behind_growth_max >= base::reply_growth_bytes_max);

// Octets of the headers of what goes from that listener to that place, its tag among them.
std::size_t headers_bytes(const Passage& way) { return net::header_bytes(way.to.address.is_v4()) + (way.from.link.vlan() != 0 ? net::tag_bytes : 0); }

// Octets before a message that an edit may take and leave room for the headers.
std::size_t room_before(const Job& job, const Passage& way) { return job.pkt.headroom() + job.frame.payload_offset - headers_bytes(way); }

// Octets behind a message of that size.
std::size_t room_behind(const Job& job, std::size_t message_bytes) { return job.pkt.tailroom() + job.pkt.bytes() - job.frame.payload_offset - message_bytes; }

// What another protocol or another socket may want, and came to this machine. A broken frame is for nobody.
bool is_for_kernel(const std::uint8_t* frame, const net::Mac& mac, Drop why) {
  const bool is_sound = why == Drop::frame_type || why == Drop::ip_protocol || why == Drop::frame_not_ours;
  const bool is_group = (frame[0] & 1) != 0;
  constexpr std::uint8_t virtual_router[4] = {0x00, 0x00, 0x5e, 0x00};  // RFC 5798 7.3: the kernel may be one
  return is_sound && (is_group || std::memcmp(frame, mac.data(), mac.size()) == 0 || std::memcmp(frame, virtual_router, sizeof virtual_router) == 0);
}

}  // namespace

Actor::Actor(site::Commons& commons, unsigned worker)
    : commons_(commons),
      counters_(commons.counters[worker]),
      marking_(commons.load),
      checksum_work_(commons.ports.checksum_work()),
      wire_(commons.ports, worker, commons.to_wire, counters_),
      control_(commons.to_control, counters_, Drop::control_ring_full),
      kernel_(commons.to_kernel, counters_, Drop::kernel_ring_full),
      fragmenter_(commons.ports, commons.identifications, commons.mtu_bytes) {
  for (std::size_t i = 0; i < commons.ports.size(); ++i) macs_[i] = commons.ports[i].mac();
  for (const auto& ring : commons.to_registrar) registrar_.emplace_back(*ring, counters_);
}

void Actor::drop(Job& job, Drop why) {
  counters_.count(why);
  nic::free(job.pkt);
}

void Actor::refuse(Job& job, Drop why) {
  if (!commons_.has_exception_path || !is_for_kernel(job.pkt.data(), macs_[job.pkt.port()], why)) return drop(job, why);
  site::tag(job.pkt, job.frame.link.vlan());
  kernel_.stage(job.pkt, Verdict::to_kernel);
}

void Actor::act_on_frame(Job& job) { hand_to_control(job, site::Note::Kind::frame, Verdict::controlled); }

void Actor::hand_to_control(Job& job, site::Note::Kind kind, Verdict verdict) {
  auto& note = job.pkt.note<site::Note>();
  note = {};
  note.kind = kind;
  note.frame = job.frame;
  control_.stage(job.pkt, verdict);
}

void Actor::act(Job& job, const Site& site, const site::Neighbours& neighbours, std::uint32_t now_min) {
  const Stamp stamp{.epoch = job.placement.epoch, .now_min = now_min};
  switch (job.judgement.verdict) {
    case Verdict::redirected:
    case Verdict::answered:
    case Verdict::rejected:
      return answer(job, site, stamp);
    case Verdict::proxied:
    case Verdict::returned:
      return travel(job, site, neighbours, stamp);
    case Verdict::concluded:
      return is_for_control(job.subject) ? hand_to_control(job, site::Note::Kind::answer, Verdict::concluded) : hand_to_registrar(job);
    case Verdict::registered:
    case Verdict::subscribed:
      return hand_to_registrar(job);
    case Verdict::absorbed:
      counters_.count(Verdict::absorbed);
      nic::free(job.pkt);
      return;
    case Verdict::collected:
    case Verdict::controlled:
    case Verdict::to_kernel:
    case Verdict::dropped:
      return drop(job, job.judgement.drop);
  }
}

// Where an answer is composed: in the packet's buffer behind the request, which it copies from; else beside the packet.
[[gnu::always_inline]] inline std::span<char> Actor::answer_room(const Job& job) {
  // Loads that begin in the request never meet what is being written; the headers' room is in the gap.
  constexpr std::size_t gap = base::loose_bytes;
  static_assert(gap >= net::header_bytes(false) + net::tag_bytes);
  const std::size_t tailroom = job.pkt.tailroom();
  if (job.judgement.verdict == Verdict::answered || tailroom < gap + job.pkt.bytes() + behind_growth_max) return scratch_;
  return {reinterpret_cast<char*>(job.pkt.data() + job.pkt.bytes() + gap), tailroom - gap};
}

void Actor::answer(Job& job, const Site& site, const Stamp& stamp) {
  const std::span<char> room = answer_room(job);
  std::span<char> message = room.first(compose_answer(job.subject, job.judgement, site, stamp, job.tag, room));
  if (message.empty()) return drop(job, Drop::growth_over_limit);
  if (message.data() == scratch_.data()) {
    auto* const over = reinterpret_cast<char*>(job.pkt.data() + job.frame.payload_offset);
    if (message.size() > job.frame.payload_bytes + job.pkt.tailroom()) return drop(job, Drop::growth_over_limit);
    std::memcpy(over, message.data(), message.size());
    message = {over, message.size()};
  }
  if (limiter_ != nullptr && !limiter_->may_answer(job, message.size())) [[unlikely]]
    return drop(job, Drop::reply_over_budget);
  auto* const payload = reinterpret_cast<std::uint8_t*>(message.data());
  const bool is_usual = job.frame.payload_offset == net::header_bytes(true);  // of IPv4 without options
  const std::size_t frame_bytes = net::header_bytes(is_usual || job.subject.source.address.is_v4()) + message.size();
  const bool by_copy = checksum_work_ == net::ChecksumWork::none && is_usual;
  const std::uint8_t* const start = by_copy ? net::write_headers_back(payload, message.size(), job.pkt.data())
                                            : net::write_headers(payload, message.size(), net::turned_around(job.frame), checksum_work_);
  job.pkt.set(start, frame_bytes);
  site::tag(job.pkt, job.frame.link.vlan());
  send(job, frame_bytes);
}

// A frame that is ready, its tag not counted.
[[gnu::always_inline]] inline void Actor::send(const Job& job, std::size_t untagged_bytes) {
  if (tracing_ != nullptr) [[unlikely]]
    copy_to(*tracing_, job, Copy::sent);
  if (site::Fragmenter::is_large(untagged_bytes)) [[unlikely]]
    return send_large(job);
  counters_.count(job.judgement.verdict);
  wire_.stage(job.pkt);
}

// The outlet has room for a burst of packets: so fragments leave by themselves.
[[gnu::noinline]] void Actor::send_large(const Job& job) {
  const std::span<nic::Packet> fragments = fragmenter_.fit(job.pkt);
  if (fragments.empty()) return counters_.count(Drop::buffers_exhausted);
  counters_.count(job.judgement.verdict);
  if (fragments.size() == 1) return wire_.stage(fragments[0]);
  counters_.fragments_sent.add(fragments.size());
  wire_.flush();
  for (const nic::Packet p : fragments) wire_.stage(p);
  wire_.flush();
}

// A response leaves from where its request came in.
const Listener* Actor::egress(const Job& job, const Site& site, const base::Endpoint& to, base::Link by) {
  const Subject& s = job.subject;
  if (job.judgement.verdict == Verdict::proxied) return leaves_through(s, site, to.address, by);
  return site.egress_back(*s.listener, s.msg[s.msg.top_via], to.address, by);
}

void Actor::travel(Job& job, const Site& site, const site::Neighbours& neighbours, const Stamp& stamp) {
  const bool is_proxied = job.judgement.verdict == Verdict::proxied;
  const base::Endpoint& to = goes_to(job.subject, job.judgement, site);
  const site::Hop hop = neighbours.next_hop(to.address);
  const Listener* const from = egress(job, site, to, hop.link);
  if (from == nullptr) return drop(job, Drop::family_unserved);
  const Passage way{.from = *from, .to = to, .hop = hop};
  auto* const text = reinterpret_cast<char*>(job.pkt.data() + job.frame.payload_offset);
  const std::size_t bytes = job.subject.msg.bytes();
  std::span<char> in_place;
  if (is_proxied) {
    const std::uint64_t mark = job.judgement.home != assign::no_home ? marking_.mark(job.subject.msg) : 0;
    in_place = compose_in_place(job.subject, job.judgement, site, stamp, *from, job.branch,
                                {.text = text, .before = room_before(job, way), .behind = room_behind(job, bytes)}, edits_, mark);
  } else {
    sip::plan_return(job.subject.msg, edits_);
  }
  if (!in_place.empty()) [[likely]]
    return send_to(job, in_place, way, neighbours);
  if (edits_.overflow() || grown_bytes(bytes) > base::large_packet_bytes_max - headers_bytes(way)) [[unlikely]]
    return refuse_growth(job, site, stamp);
  const std::span<char> message = apply_edits(job, {text, bytes}, way);
  if (!message.empty()) send_to(job, message, way, neighbours);
}

// More than a large buffer holds: RFC 3261 21.5.14. An ACK is never answered, and a CANCEL follows its INVITE.
[[gnu::noinline]] void Actor::refuse_growth(Job& job, const Site& site, const Stamp& stamp) {
  const sip::Message& msg = job.subject.msg;
  if (!msg.is_request || msg.method == sip::Method::ack || msg.method == sip::Method::cancel) return drop(job, Drop::growth_over_limit);
  job.tag = sip::reply_tag(msg, msg.top, site.keys.signing());
  job.judgement = {.verdict = Verdict::rejected, .reason = Reason::too_large, .fault = sip::Bad::too_large};
  answer(job, site, stamp);
}

// Growth goes into the room before the message, else behind it, else into a large buffer, where it fits. Empty: the packet is gone, and counted.
std::span<char> Actor::apply_edits(Job& job, std::span<char> message, const Passage& way) {
  const int growth = edits_.growth();
  const std::size_t bytes = grown_bytes(message.size());
  if (growth <= static_cast<int>(room_before(job, way))) return {sip::apply_at_front(edits_, message), bytes};
  if (growth <= static_cast<int>(room_behind(job, message.size()))) return {message.data(), sip::apply_at_back(edits_, message)};
  const nic::Packet large = commons_.ports.allocate_large();
  if (!large) {
    drop(job, Drop::buffers_exhausted);
    return {};
  }
  const std::span<char> target{reinterpret_cast<char*>(large.data() + headers_bytes(way)), large.tailroom() - headers_bytes(way)};
  const std::size_t written = sip::apply_to(edits_, {message.data(), message.size()}, target);
  nic::free(job.pkt);
  job.pkt = large;
  return target.first(written);
}

void Actor::send_to(Job& job, std::span<char> message, const Passage& way, const site::Neighbours& neighbours) {
  if (way.hop.address.is_unset()) return drop(job, Drop::destination_unreachable);
  const bool is_v4 = way.to.address.is_v4();
  const std::size_t frame_bytes = net::header_bytes(is_v4) + message.size();
  const net::Mac* const mac = neighbours.find(way.hop.address, way.from.link);
  const base::Endpoint& from = way.from.endpoint;
  auto* const payload = reinterpret_cast<std::uint8_t*>(message.data());
  const std::uint8_t* start = nullptr;
  if (mac != nullptr && checksum_work_ == net::ChecksumWork::none && is_v4) {
    start = net::write_usual_headers(payload, message.size(), macs_[way.from.link.port()], *mac, from, way.to);
  } else {
    const net::Envelope envelope{
        .source_mac = macs_[way.from.link.port()], .destination_mac = mac != nullptr ? *mac : net::Mac{}, .source = from, .destination = way.to};
    start = net::write_headers(payload, message.size(), envelope, checksum_work_);
  }
  job.pkt.set(start, frame_bytes);
  site::direct(job.pkt, way.from.link);
  if (mac == nullptr) return wait_for_hop(job, way);
  send(job, frame_bytes);
}

// The control core asks for the MAC, and sends it then.
void Actor::wait_for_hop(Job& job, const Passage& way) {
  if (tracing_ != nullptr) [[unlikely]]
    copy_to(*tracing_, job, Copy::sent);
  auto& note = job.pkt.note<site::Note>();
  note = {};
  note.kind = site::Note::Kind::unresolved;
  note.next_hop = {.address = way.hop.address, .link = way.from.link};
  control_.stage(job.pkt, job.judgement.verdict);
}

void Actor::hand_to_registrar(Job& job) {
  // What the registrar may answer at the most.
  if (limiter_ != nullptr && job.judgement.verdict != Verdict::concluded && !limiter_->may_answer(job, 3 * job.payload().size())) [[unlikely]]
    return drop(job, Drop::reply_over_budget);
  auto& note = job.pkt.note<site::Note>();
  note = {};
  note.kind = site::Note::Kind::registration;
  note.frame = job.frame;
  note.client = job.subject.client;
  note.is_elsewhere = job.judgement.reason == Reason::edge_notifier;
  site::hand_index(job.subject.msg, job.pkt, note);
  shard_of(job.subject.client).stage(job.pkt, job.judgement.verdict);
}

void Actor::flush() {
  wire_.flush();
  is_crowded_ = false;
  for (ShardOutlet& shard : registrar_) {
    shard.flush();
    is_crowded_ |= shard.is_crowded();
  }
  control_.flush();
  kernel_.flush();
}

}  // namespace viaduct::edge
