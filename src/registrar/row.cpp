// SPDX-License-Identifier: Apache-2.0
#include "row.h"

#include <algorithm>
#include <cstring>

namespace viaduct::registrar {
namespace {

constexpr std::uint8_t format = 1;

class Writer {
 public:
  template <typename N>
  Writer& operator<<(N number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  Writer& operator<<(const base::Endpoint& e) {
    out.append(reinterpret_cast<const char*>(e.address.octets().data()), e.address.octets().size());
    return *this << e.port;
  }
  std::string out;
};

/// Reads on until something is missing; then everything is zero.
class Reader {
 public:
  explicit Reader(std::string_view row) : rest_(row) {}
  template <typename N>
  N number() {
    N out{};
    if (const std::string_view octets = text(sizeof out); octets.size() == sizeof out) std::memcpy(&out, octets.data(), sizeof out);
    return out;
  }
  base::Endpoint endpoint() {
    std::array<std::uint8_t, 16> octets{};
    if (const std::string_view found = text(octets.size()); found.size() == octets.size()) std::memcpy(octets.data(), found.data(), octets.size());
    const auto port = number<std::uint16_t>();
    return {base::Address::v6(octets), port};
  }
  std::string_view text(std::size_t bytes) {
    is_whole_ = is_whole_ && bytes <= rest_.size();
    if (!is_whole_) return {};
    const std::string_view out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  [[nodiscard]] bool is_at_end() const { return is_whole_ && rest_.empty(); }
  [[nodiscard]] bool is_whole() const { return is_whole_; }

 private:
  std::string_view rest_;
  bool is_whole_{true};
};

void put(Writer& w, const assign::BindingText& b, ClockOffset offset_s) {
  const assign::Binding& f = b.binding;
  w << f.flow << f.next << f.listener << f.q_milli << f.reg_id << f.cseq << f.call_hash << f.branch_hash;
  w << static_cast<std::int64_t>(f.added_at_s) + offset_s << static_cast<std::int64_t>(f.expires_at_s) + offset_s;
  for (const std::string_view text : {b.uri, b.instance, b.path}) w << static_cast<std::uint16_t>(text.size());
  for (const std::string_view text : {b.uri, b.instance, b.path}) w.out.append(text);
}

assign::BindingText take(Reader& r, ClockOffset offset_s) {
  assign::BindingText out;
  assign::Binding& f = out.binding;
  f.flow = r.endpoint();
  f.next = r.endpoint();
  f.listener = r.number<std::uint8_t>();
  f.q_milli = r.number<std::uint16_t>();
  f.reg_id = r.number<std::uint32_t>();
  f.cseq = r.number<std::uint32_t>();
  f.call_hash = r.number<std::uint64_t>();
  f.branch_hash = r.number<std::uint64_t>();
  const auto time = [&] { return static_cast<std::uint32_t>(std::clamp<std::int64_t>(r.number<std::int64_t>() - offset_s, 0, UINT32_MAX)); };
  f.added_at_s = time();
  f.expires_at_s = time();
  const auto uri = r.number<std::uint16_t>(), instance = r.number<std::uint16_t>(), path = r.number<std::uint16_t>();
  out.uri = r.text(uri);
  out.instance = r.text(instance);
  out.path = r.text(path);
  return out;
}

}  // namespace

std::string to_row(const assign::Location& location, ClockOffset offset_s) {
  Writer w;
  w << format << static_cast<std::uint8_t>(location.count()) << static_cast<std::uint16_t>(location.aor().size());
  w.out.append(location.aor());
  for (std::size_t i = 0; i < location.count(); ++i) put(w, location[i], offset_s);
  return std::move(w.out);
}

std::optional<FromRow> from_row(std::string_view row, ClockOffset offset_s) {
  Reader r(row);
  if (r.number<std::uint8_t>() != format) return std::nullopt;
  const auto count = r.number<std::uint8_t>();
  const auto aor_bytes = r.number<std::uint16_t>();
  FromRow out{.aor = r.text(aor_bytes)};
  for (unsigned i = 0; i < count && r.is_whole(); ++i) out.bindings.push_back(take(r, offset_s));
  if (!r.is_at_end() || count == 0) return std::nullopt;
  return out;
}

}  // namespace viaduct::registrar
