// SPDX-License-Identifier: Apache-2.0
#include "shape.h"

#include <utility>

#include "registration.h"
#include "viaduct/base/aes_hash.h"

namespace viaduct::registrar {
namespace {

constexpr std::uint32_t bit(sip::HeaderId id) { return std::uint32_t{1} << std::to_underlying(id); }
constexpr std::uint32_t read_by_registrar = bit(sip::HeaderId::contact) | bit(sip::HeaderId::expires) | bit(sip::HeaderId::path) |
                                            bit(sip::HeaderId::supported) | bit(sip::HeaderId::require) | bit(sip::HeaderId::event);

/// What the parts of the hash are.
enum class Part : std::uint32_t { way, line };

void add(base::AesHasher& hash, const base::Address& a) {
  std::uint64_t halves[2];
  static_assert(sizeof halves == sizeof a.octets());
  std::memcpy(halves, a.octets().data(), sizeof halves);
  hash.numbers(halves[0], halves[1]);
}

}  // namespace

base::AesHashKey shape_key(const base::Key128& seed) {
  const base::Hash128 of_seed = base::siphash128(seed, "shapes of REGISTERs");
  base::Key128 key;
  std::memcpy(key.data(), &of_seed, sizeof key);
  return base::AesHashKey(key);
}

std::uint64_t shape_of(const sip::Message& request, const site::Note& note, const site::Site& site, const base::AesHashKey& key) {
  const base::Endpoint &flow = note.frame.source, &here = note.frame.destination;
  const std::uint32_t way = (request.via_values == 1 ? 1U : 0U) | std::uint32_t{std::to_underlying(belief_in_path(site, flow.address))} << 1 |
                            (is_own_flow(request, flow, site) ? 8U : 0U);
  base::AesHasher hash(key, request.text.data(), std::to_underlying(Part::way), way);
  hash.numbers(flow.port | std::uint64_t{here.port} << 16, 0);
  add(hash, flow.address);
  add(hash, here.address);
  // Each line begins anew, so that they are made at the same time.
  for (std::size_t i = 0; i < request.headers; ++i)
    if ((read_by_registrar >> std::to_underlying(request.id[i]) & 1) != 0)
      hash.hash(base::AesHasher(key, request.text.data(), std::to_underlying(Part::line), std::to_underlying(request.id[i]), request.header_line(i)));
  return hash.hidden().low | 1;
}

std::optional<location::Registration> read_again(const sip::Message& request, const site::Note& note, const assign::Location* location, std::uint64_t shape) {
  if (location == nullptr || location->count() != 1) return std::nullopt;
  const assign::Binding& b = location->binding(0);
  if (b.shape != shape) return std::nullopt;
  return location::Registration{.message = request,
                                .aor = location->aor(),
                                .key = note.client,
                                .flow = b.flow,
                                .next = b.next,
                                .listener = b.listener,
                                .is_own_flow = b.is_own_flow,
                                .path = location->path(0),
                                .supports_path = b.supports_path,
                                .supports_outbound = b.supports_outbound,
                                .supports_gruu = b.supports_gruu,
                                .shape = shape};
}

}  // namespace viaduct::registrar
