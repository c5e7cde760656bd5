// SPDX-License-Identifier: Apache-2.0
// A probe is a non-INVITE transaction without retransmissions: the next one repeats the question.
#include "prober.h"

#include <array>
#include <chrono>
#include <string>

#include "viaduct/base/check.h"
#include "viaduct/sip/probe.h"
#include "viaduct/sip/token.h"

namespace viaduct::control {
namespace {

constexpr std::uint32_t cseq = 1;            // each probe is a call of its own
// The id of a probe's branch, from above: one bit who is asked, sixteen its number, then the serial number.
constexpr unsigned serial_bits = 47, number_bits = 16;
constexpr std::uint64_t serial_mask = (std::uint64_t{1} << serial_bits) - 1;

std::uint64_t id_of(Probed whom, std::uint64_t serial) {
  return std::uint64_t{std::to_underlying(whom.kind)} << (serial_bits + number_bits) | std::uint64_t{whom.number} << serial_bits | serial;
}

std::string_view text_of(nic::Packet p) {
  const auto& frame = p.note<site::Note>().frame;
  return {reinterpret_cast<const char*>(p.data()) + frame.payload_offset, frame.payload_bytes};
}

}  // namespace

// Serial numbers begin where those of no earlier run can have been, so that none of its answers is taken for one of ours.
Prober::Prober(site::Commons& commons, site::Wire& wire)
    : commons_(commons),
      wire_(wire),
      serial_(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count())) {}

std::optional<std::uint64_t> Prober::ask(Probed whom, const base::Endpoint& at) {
  const site::Site& site = commons_.site.read();
  const site::Listener* const from = site.egress(at.address, commons_.neighbours.read().next_hop(at.address).link);
  if (from == nullptr) return std::nullopt;
  const std::uint64_t serial = ++serial_ & serial_mask;
  const std::uint64_t id = id_of(whom, serial);
  const sip::BranchText branch = sip::branch_text(sip::own_branch({.id = id, .sender = sip::control_sender}, cseq, site.keys));
  std::array<char, sip::base32_64_bytes> letters;
  sip::write_base32(id, letters);
  const std::string_view number{letters.data(), letters.size()};
  const std::string here = from->host + ':' + std::to_string(from->endpoint.port);
  const std::string uri = std::string("sip:").append(at.text());
  std::string via = std::string("SIP/2.0/UDP ").append(here);
  via.append(";branch=").append(branch.data(), branch.size()).append(";rport");
  std::array<char, 1024> room;
  const std::size_t bytes = sip::write_probe({.request_uri = uri,
                                              .via = via,
                                              .from = std::string("sip:").append(here),
                                              .from_tag = number,
                                              .call_id = std::string(number).append(1, '@').append(from->host),
                                              .cseq = cseq},
                                             room);
  base::check(bytes != 0, "a probe fits");
  if (!wire_.post(*from, at, {room.data(), bytes})) return std::nullopt;
  return serial;
}

std::optional<Prober::Answer> Prober::take(nic::Packet p) {
  static_cast<void>(sip::index(text_of(p), message_));  // a fault stays in the message
  const auto own = sip::verify_own_branch(message_.top.branch, message_.cseq_number, commons_.site.read().keys);
  const std::uint16_t status = message_.status;
  nic::free(p);
  if (!own || status < 200) return std::nullopt;
  const auto kind = static_cast<Probed::Kind>(own->id >> (serial_bits + number_bits));
  return Answer{.whom = {.kind = kind, .number = static_cast<std::uint16_t>(own->id >> serial_bits)}, .serial = own->id & serial_mask, .status = status};
}

}  // namespace viaduct::control
