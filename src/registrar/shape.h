// SPDX-License-Identifier: Apache-2.0
// Whether a REGISTER asks for what the one before it asked for: most do, and then nothing of them need be taken apart.
#pragma once
#include <cstdint>
#include <optional>

#include "viaduct/assign/locations.h"
#include "viaduct/base/hash.h"
#include "viaduct/location/bindings.h"
#include "viaduct/site/post.h"
#include "viaduct/site/site.h"

namespace viaduct::registrar {

/// The key of shapes. Shape: `seed` is of no use to who does not know it.
[[nodiscard]] base::AesHashKey shape_key(const base::Key128& seed);

/// A keyed hash of all that a registrar reads in a REGISTER and its way here but for the client, Call-ID, CSeq, the branch and credentials: its Contact, Expires, Path,
/// Supported, Require and Event lines, octet by octet, its flow, where it came to, whether it came from its client at once or through an edge alone, and whether its Path is
/// believed.
/// Two that differ in any of it have equal shapes by chance only, once in 2^64. Never 0. Shape: `request` is indexed without fault.
[[nodiscard]] std::uint64_t shape_of(const sip::Message& request, const site::Note& note, const site::Site& site, const base::AesHashKey& key);

/// What read_registration would say of a REGISTER of that shape, from the one binding that one like it has made; nullopt: there is none such.
/// It borrows from the location.
[[nodiscard]] std::optional<location::Registration> read_again(const sip::Message& request, const site::Note& note, const assign::Location* location,
                                                               std::uint64_t shape);

}  // namespace viaduct::registrar
