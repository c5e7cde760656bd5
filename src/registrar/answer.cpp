// SPDX-License-Identifier: Apache-2.0
// What a shard's answers say, octet by octet, and how long they may be.
#include <algorithm>

#include "registration.h"
#include "viaduct/base/limits.h"
#include "viaduct/registrar/shard.h"
#include "viaduct/sip/overload.h"
#include "viaduct/sip/reply.h"
#include "viaduct/sip/token.h"

namespace viaduct::registrar {
namespace {

// A list of bindings must not make us an amplifier towards a source that has not shown that it receives.
constexpr std::size_t answer_growth_max = 3;

// Of an answer, what neither the request nor the configuration nor the bindings bring: status line, received, rport, a tag, names of headers, Date, overload control.
constexpr std::size_t own_octets_max = 256 + sip::overload_text_bytes_max;

}  // namespace

/// A digest answers a nonce that was sent there; by a binding of that very flow the client is reached.
bool Shard::has_shown_that_it_receives(const location::Registration& r) const {
  if (authenticator_) return true;
  const assign::Location* const location = std::as_const(locations_).find(r.key);
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i)
    if (location->binding(i).flow == r.flow) return true;
  return false;
}

/// A usual answer is so short that it need not be written to know that it fits.
bool Shard::allows(const location::Registration& r, const location::Outcome& out) {
  const site::Site& site = commons_.site.read();
  const std::size_t request_bytes = r.message.text.size();
  const std::size_t most = request_bytes + r.path.size() + site.service_route.size() + site.server_header.size() + own_octets_max + out.headers.size();
  if (most <= std::min(answer_growth_max * request_bytes, base::datagram_bytes_max)) [[likely]]
    return true;
  return allows_as_written(r, out, site);
}

bool Shard::allows_as_written(const location::Registration& r, location::Outcome out, const site::Site& site) {
  const std::size_t bytes = write(r.message, r.flow, listing(r, std::move(out), site), site);
  if (bytes == 0 || bytes > base::datagram_bytes_max) return false;
  return bytes <= answer_growth_max * r.message.text.size() || has_shown_that_it_receives(r);
}

/// The 200 with all that it says.
Shard::Outcome Shard::listing(const location::Registration& r, location::Outcome&& out, const site::Site& site) const {
  put_extensions(out.headers, r, out, site);
  out.headers += date_;
  return outcome_of(std::move(out));
}

/// Into scratch_. Returns octets; 0: it does not fit.
std::size_t Shard::write(const sip::Message& request, const base::Endpoint& source, Outcome outcome, const site::Site& site, std::size_t readable_behind) {
  outcome.headers += site.server_header;
  const sip::Reply reply{.status_line = outcome.fault != sip::Bad::none ? sip::status_line(outcome.fault) : sip::status_line(outcome.status),
                         .source = source,
                         .to_tag = outcome.to_tag != 0 ? outcome.to_tag : sip::reply_tag(request, request.top, site.keys.signing()),
                         .headers = outcome.headers,
                         .readable_behind = readable_behind};
  // An edge that keeps to it leaves out so many itself.
  std::array<char, sip::overload_text_bytes_max> room;
  std::string_view overload;
  if (loss_percent_ != 0 && sip::offers_loss(request[request.top_via])) overload = sip::write_loss(loss_percent_, nic::now_ms(), room);
  return sip::write_reply(request, reply, scratch_, overload);
}

/// Writes the answer into scratch_; 0 octets when none can be given.
Shard::Answer Shard::answer(const sip::Message& request, const site::Note& note, const site::Site& site, std::size_t readable_behind) {
  if (request.fault != sip::Bad::none) return {};  // workers hand over what they have indexed without
  const bool is_subscribe = request.method == sip::Method::subscribe;
  Outcome outcome = is_subscribe ? subscribe(request, note, site) : register_client(request, note, site);
  const std::uint16_t status = outcome.status;
  std::size_t bytes = write(request, note.frame.source, std::move(outcome), site, readable_behind);
  // How long a list may be was asked before anything changed for it.
  const bool is_list = !is_subscribe && status == 200;
  if (bytes != 0 && (is_list || bytes <= answer_growth_max * request.text.size())) return {.status = status, .bytes = bytes};
  return {.status = 500, .bytes = write(request, note.frame.source, {.status = 500}, site, readable_behind)};
}

}  // namespace viaduct::registrar
