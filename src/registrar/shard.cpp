// SPDX-License-Identifier: Apache-2.0
// A shard's life: mail in, bindings and subscriptions changed, answers and NOTIFYs out.
#include "viaduct/registrar/shard.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "registration.h"
#include "shape.h"
#include "viaduct/net/frame.h"
#include "viaduct/notifier/permission.h"
#include "viaduct/sip/token.h"
#include "viaduct/sip/uri.h"
#include "viaduct/site/handed_index.h"

namespace viaduct::registrar {
namespace {

std::string_view payload_of(nic::Packet p, const site::Note& note) {
  return {reinterpret_cast<const char*>(p.data()) + note.frame.payload_offset, note.frame.payload_bytes};
}

std::uint8_t listener_of(const site::Note& note, const site::Site& site) {
  return static_cast<std::uint8_t>(site.listener(note.frame.destination) - site.listeners.data());
}

// Into the second-level cache: to the first only some twenty lines are on their way at once, and what is fetched then holds up everything behind it.
void fetch(const void* from, std::size_t bytes) {
  constexpr std::size_t line_bytes = 64;
  for (std::size_t at = 0; at < bytes; at += line_bytes) __builtin_prefetch(static_cast<const char*>(from) + at, 0, 2);
}

// RFC 3261 20.17, RFC 1123 5.2.14: always GMT.
std::string date_line(std::time_t now) {
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text;
  return {text.data(), std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts)};
}

std::string_view home_of(const site::Site& site) {
  return site.local_home != assign::no_home ? std::string_view(site.homes[site.local_home].name) : std::string_view{};
}

}  // namespace

Shard::Shard(site::Commons& commons, unsigned index, const location::Rules& rules, const notifier::WatchRules& watch_rules)
    : commons_(commons),
      index_(index),
      ring_(*commons.to_registrar[index]),
      locations_(commons.locations.of_shard(index)),
      wire_(commons, commons.to_registrar.size() == 1),
      bindings_(rules, locations_, commons.site.read().fleet_seed),
      sightings_(commons.watched, watch_rules.subscriptions_max, commons.site.read().fleet_seed),
      watchers_(watch_rules, locations_, sightings_, commons.site.read().fleet_seed, *this, home_of(commons.site.read())),
      shape_key_(shape_key(commons.site.read().fleet_seed)) {
  bindings_.set_observer(watchers_);
  bindings_.set_answer_limit(*this);
}

std::size_t Shard::poll(std::size_t requests_max, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  const std::uint64_t now_s = now_ms / 1000;
  std::array<nic::Packet, base::burst_pkts_max> pkts;
  loss_percent_ = ring_.count() > ring_.slots() / 2 ? site::registrar_loss_percent(commons_.to_registrar) : 0;
  const std::size_t count = ring_.pop({reinterpret_cast<void**>(pkts.data()), std::min(requests_max, pkts.size())});
  if (date_s_ != now_s) {
    date_s_ = now_s;
    commons_.locations.set_now(static_cast<std::uint32_t>(now_s));
    date_ = date_line(std::time(nullptr));
  }
  take_all({pkts.data(), count});
  bindings_.expire(now_s);
  sightings_.expire(now_s);
  const std::size_t told = watchers_.tick(commons_.site.read(), now_ms);
  locations_.reclaim(commons_.epoch);
  sightings_.reclaim(index_, commons_.epoch);
  return count + told;
}

// Each packet was written by another core, and each client's bindings are anywhere in memory: what is read of them comes step by step, while the packets
// before are processed.
void Shard::take_all(std::span<const nic::Packet> pkts) {
  constexpr std::size_t between = 3, steps = 3;                  // packets from one step to the next
  constexpr std::size_t head_bytes = 256, message_bytes = 640;   // of a buffer with its note, and of a usual message with its headers
  for (std::size_t i = 0; i < pkts.size() + steps * between; ++i) {
    const auto client = [&](std::size_t at) { return pkts[at].note<site::Note>().client; };
    const auto is_at = [&](std::size_t step) { return i >= step * between && i - step * between < pkts.size(); };
    if (is_at(0)) fetch(pkts[i].raw(), head_bytes);
    if (is_at(1)) fetch(pkts[i - between].data(), message_bytes + site::handed_index_bytes);
    if (is_at(1)) bindings_.prefetch(client(i - between));
    if (is_at(1)) watchers_.prefetch(client(i - between));   // who hears of what changes
    if (is_at(2)) bindings_.prefetch_location(client(i - 2 * between));
    if (is_at(steps)) take(pkts[i - steps * between]);
  }
}

void Shard::take(nic::Packet p) {
  auto note = p.note<site::Note>();
  if (!site::take_index(p, note, message_)) static_cast<void>(sip::index(payload_of(p, note), message_));  // a fault stays in the message
  if (note.kind == site::Note::Kind::sighting) return take_sighting(p, note);
  message_.is_request ? take_request(p, note) : take_answer(p);
}

void Shard::take_answer(nic::Packet p) {
  const auto own = sip::verify_own_branch(message_.top.branch, message_.cseq_number, commons_.site.read().keys);
  if (own) watchers_.take_answer(*own, message_, now_ms_);
  nic::free(p);
}

void Shard::take_sighting(nic::Packet p, const site::Note& note) {
  counters_.sightings.add(1);
  const site::Site& site = commons_.site.read();
  std::array<char, base::aor_bytes_max> room;
  const auto aor = sip::canonical_aor(message_[message_.to_uri], site.domains, room);   // workers hand over what they have found it in
  if (aor)
    sightings_.take({.message = message_,
                     .aor = *aor,
                     .client = note.client,
                     .flow = note.flow,
                     .listener = listener_of(note, site),
                     .is_own_flow = message_.via_values == 2},
                    now_ms_ / 1000);   // our own Via and his
  nic::free(p);
}

void Shard::take_request(nic::Packet p, site::Note& note) {
  counters_.received.add(1);
  const Answer out = answer(message_, note, commons_.site.read(), p.tailroom());
  if (out.bytes > note.frame.payload_bytes + p.tailroom()) [[unlikely]]
    p = larger(p, note);
  if (out.bytes == 0 || !p) {
    counters_.dropped.add(1);
    if (p) nic::free(p);
    return;
  }
  (out.status / 100 == 2 ? counters_.answered : out.status == 401 ? counters_.challenged : counters_.refused).add(1);
  send_back(p, note, out.bytes);
}

Proof Shard::prove(const sip::Message& request, const site::Note& note) {
  return authenticator_->check({.message = request, .client = note.client, .source = note.frame.source, .now_s = static_cast<std::uint32_t>(now_ms_ / 1000)});
}

Shard::Outcome Shard::register_client(const sip::Message& request, const site::Note& note, const site::Site& site) {
  const std::uint64_t shape = shape_of(request, note, site, shape_key_);
  std::array<char, base::aor_bytes_max> aor_room;
  std::array<char, base::path_bytes_max> path_room;
  auto registration = read_again(request, note, std::as_const(locations_).find(note.client), shape);
  if (!registration) {
    const auto aor = sip::canonical_aor(request[request.to_uri], site.domains, aor_room);
    if (!aor) return {.status = 400, .fault = aor.error()};
    auto read = read_registration(request, *aor, note, site, path_room);
    if (!read) return outcome_of(std::move(read.error()));
    read->shape = shape;
    registration.emplace(*read);
  }
  Proof proof;
  if (authenticator_) proof = prove(request, note);
  if (proof.status == 401) return {.status = 401, .headers = std::move(proof.challenge)};
  Outcome out = bind(*registration, proof.is_repeated, site);
  if (authenticator_ && out.status == 200) authenticator_->note_done();
  if (notifier::asks_for_end(request) && out.status == 200) [[unlikely]]
    out.to_tag = watchers_.imply(*registration, authenticator_ != nullptr, site, now_ms_);
  return out;
}

Shard::Outcome Shard::outcome_of(location::Outcome&& out) { return {.status = out.status, .fault = out.fault, .headers = std::move(out.headers)}; }

Shard::Outcome Shard::bind(const location::Registration& registration, bool is_repeated, const site::Site& site) {
  const std::uint64_t now_s = now_ms_ / 1000;
  location::Outcome out = is_repeated ? bindings_.list(registration, now_s) : bindings_.process(registration, now_s);
  if (out.status != 200) return outcome_of(std::move(out));
  if (commons_.moves.is_any() && locations_.find(registration.key) != nullptr) [[unlikely]]
    commons_.moves.confirm(commons_.counters.size() + index_, {registration.key, site.local_home, registration.aor});
  return listing(registration, std::move(out), site);
}

bool Shard::is_standing_in(const location::ClientKey& client, const site::Site& site) const {
  const assign::HomeIndex home = commons_.assignment.find(client).home;
  if (home >= site.homes.size()) return false;
  const assign::HomeState state = site.homes.brief(home).state;
  return state != assign::HomeState::up && state != assign::HomeState::draining;
}

Shard::Outcome Shard::subscribe(const sip::Message& request, const site::Note& note, const site::Site& site) {
  std::array<char, base::aor_bytes_max> aor_room;
  const auto aor = sip::canonical_aor(request[request.to_uri], site.domains, aor_room);
  if (!aor) return {.status = 400, .fault = aor.error()};
  // In a dialog its client is found by To, which no other may name at the beginning (RFC 3261 8.2.2.1).
  if (request.to_tag.bytes == 0 && sip::client_key(*aor, site.fleet_seed) != note.client) return {.status = 403};
  const base::Endpoint& flow = note.frame.source;
  const notifier::WatchRequest asked{
      .message = request, .aor = *aor, .flow = flow, .location = std::as_const(locations_).find(note.client), .seen = sightings_.find(note.client)};
  switch (notifier::may_watch(asked, site)) {
    case notifier::Permission::granted:
      break;
    case notifier::Permission::after_proof: {
      if (!authenticator_) return {.status = 403};
      Proof proof = prove(request, note);
      if (proof.status != 200) return {.status = proof.status, .headers = std::move(proof.challenge)};
      break;
    }
    case notifier::Permission::refused:
      return {.status = 403};
  }
  notifier::SubscribeOutcome out = watchers_.process({.message = request,
                                                      .aor = *aor,
                                                      .client = note.client,
                                                      .flow = flow,
                                                      .next = first_hop(request, flow, site),
                                                      .listener = listener_of(note, site),
                                                      .is_elsewhere = note.is_elsewhere,
                                                      .stands_in = note.is_elsewhere && is_standing_in(note.client, site)},
                                                     site, now_ms_);
  return {.status = out.status, .fault = out.fault, .headers = std::move(out.headers), .to_tag = out.to_tag};
}

/// In the place of a request, for an answer that does not fit its buffer; empty: there is none.
nic::Packet Shard::larger(nic::Packet request, site::Note& note) {
  nic::free(request);
  note.frame.payload_offset = 0;
  return commons_.ports.allocate_large();
}

void Shard::send_back(nic::Packet p, const site::Note& note, std::size_t bytes) {
  std::uint8_t* payload = p.data() + note.frame.payload_offset;
  std::memcpy(payload, scratch_.data(), bytes);
  const std::uint8_t* start = net::write_headers(payload, bytes, net::turned_around(note.frame), commons_.ports.checksum_work());
  p.set(start, net::header_bytes(note.frame.source.address.is_v4()) + bytes);
  site::direct(p, note.frame.link);
  wire_.send(p);
}

}  // namespace viaduct::registrar
