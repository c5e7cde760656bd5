// SPDX-License-Identifier: Apache-2.0
#include "viaduct/location/row.h"

#include <algorithm>

#include "contact_line.h"
#include "viaduct/store/octets.h"

namespace viaduct::location {
namespace {

constexpr std::uint8_t format = 4;
constexpr std::uint8_t format_of_numbered_listeners = 2;
constexpr std::uint8_t format_without_registered_at = 1;
constexpr std::uint8_t own_flow = 1;   // of the flags

void put(store::RowWriter& w, const assign::BindingText& b, const RowBasis& basis) {
  const assign::Binding& f = b.binding;
  w << f.flow << f.next << basis.endpoint_of(f.listener) << f.q_milli << f.reg_id << f.cseq << f.call_hash << f.branch_hash;
  w << static_cast<std::int64_t>(f.added_at_s) + basis.offset_s << static_cast<std::int64_t>(f.expires_at_s) + basis.offset_s;
  w << (f.registered_at_s != 0 ? static_cast<std::int64_t>(f.registered_at_s) + basis.offset_s : 0) << (f.is_own_flow ? own_flow : std::uint8_t{0});
  for (const std::string_view text : {b.uri, b.instance, b.path}) w << static_cast<std::uint16_t>(text.size());
  for (const std::string_view text : {b.uri, b.instance, b.path}) w << text;
}

assign::BindingText take(store::RowReader& r, const RowBasis& basis, std::uint8_t found) {
  assign::BindingText out;
  assign::Binding& f = out.binding;
  f.flow = r.endpoint();
  f.next = r.endpoint();
  f.listener = found > format_of_numbered_listeners ? basis.listener_at(r.endpoint()) : basis.listener_numbered(r.number<std::uint8_t>());
  f.q_milli = r.number<std::uint16_t>();
  f.reg_id = r.number<std::uint32_t>();
  f.cseq = r.number<std::uint32_t>();
  f.call_hash = r.number<std::uint64_t>();
  f.branch_hash = r.number<std::uint64_t>();
  const auto time = [&] { return static_cast<std::uint32_t>(std::clamp<std::int64_t>(r.number<std::int64_t>() - basis.offset_s, 0, UINT32_MAX)); };
  f.added_at_s = time();
  f.expires_at_s = time();
  if (found != format_without_registered_at) f.registered_at_s = time();
  if (found == format) f.is_own_flow = (r.number<std::uint8_t>() & own_flow) != 0;
  const auto uri = r.number<std::uint16_t>(), instance = r.number<std::uint16_t>(), path = r.number<std::uint16_t>();
  out.uri = r.text(uri);
  out.instance = r.text(instance);
  out.path = r.text(path);
  f.has_gruu = has_public_gruu(out.instance);
  return out;
}

}  // namespace

std::uint8_t RowBasis::listener_at(const base::Endpoint& endpoint) const {
  const auto at = std::ranges::find(listeners, endpoint);
  return at != listeners.end() ? static_cast<std::uint8_t>(at - listeners.begin()) : std::uint8_t{0};
}

std::string to_row(const assign::Location& location, const RowBasis& basis) {
  // In memory it has all of that, and more, but for the listeners' places.
  store::RowWriter w(location.bytes() + location.count() * sizeof(base::Endpoint));
  w << format << static_cast<std::uint8_t>(location.count()) << static_cast<std::uint16_t>(location.aor().size()) << location.aor();
  for (std::size_t i = 0; i < location.count(); ++i) put(w, location[i], basis);
  return w.take();
}

std::optional<FromRow> from_row(std::string_view row, const RowBasis& basis) {
  store::RowReader r(row);
  const auto found = r.number<std::uint8_t>();
  if (found < format_without_registered_at || found > format) return std::nullopt;
  const auto count = r.number<std::uint8_t>();
  const auto aor_bytes = r.number<std::uint16_t>();
  FromRow out{.aor = r.text(aor_bytes)};
  for (unsigned i = 0; i < count && r.is_whole(); ++i) out.bindings.push_back(take(r, basis, found));
  if (!r.is_at_end() || count == 0) return std::nullopt;
  return out;
}

}  // namespace viaduct::location
