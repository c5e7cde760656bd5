// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any octets as a REGISTER, registered twice. The answers alike, their lines whole, nothing of the message breaking out of them; what is kept comes
// back from the disk as it was; the NOTIFY that it implies is a message of its dialog; credentials are looked at besides.
#include "../../src/registrar/registration.h"
#include "../../src/registrar/shape.h"
#include "fuzz.h"
#include "viaduct/location/row.h"
#include "viaduct/notifier/watchers.h"
#include "viaduct/sip/digest.h"

namespace {

using namespace viaduct;

/// Each line `Name: value`, ended by CRLF, with no other CR or LF.
std::string broken_lines(std::string_view headers) {
  for (std::string_view rest = headers; !rest.empty();) {
    const std::size_t end = rest.find("\r\n");
    if (end == rest.npos) return "no line end: " + std::string(rest);
    const std::string_view line = rest.substr(0, end);
    const std::size_t colon = line.find(": ");
    const bool has_name =
        colon != line.npos && colon != 0 && line.substr(0, colon).find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == line.npos;
    if (!has_name || line.find_first_of("\r\n") != line.npos) return "a broken line: " + std::string(line);
    rest.remove_prefix(end + 2);
  }
  return {};
}

/// What leaves, held against what was asked for.
struct Wire final : notifier::Outlet {
  bool send(const site::Listener&, const base::Endpoint&, std::string_view message) override {
    sip::Message m;
    const bool is_notify = sip::index(message, m) == sip::Bad::none && m.method == sip::Method::notify;
    if (!is_notify || m[m.body] != "deregistered;event=rejected") faults += "no NOTIFY of the end:\n" + std::string(message);
    ++sent;
    return true;
  }
  std::string faults;
  std::size_t sent{};
};

struct Home {
  site::Site site;
  site::Note note{};
  assign::LocationMap locations{4};
  Wire wire;
  assign::Watched watched{1, 4};
  notifier::Sightings sightings{watched, 4, base::Key128{1}};
  notifier::Watchers watchers{{}, locations, sightings, base::Key128{1}, wire};
  location::Bindings bindings{{}, locations, base::Key128{1}};
  static constexpr std::uint64_t now_s = 1'000'000;
  std::uint64_t tag{};
  base::AesHashKey shape_key = registrar::shape_key(base::Key128{2});

  Home() {
    site.listeners.push_back({.endpoint = *base::Endpoint::parse("198.18.0.2:5060", 5060), .host = "198.18.0.2"});
    site.trust_all_proxies = true;
    site.service_route = "Service-Route: <sip:198.18.0.2;lr>\r\n";
    note.frame.source = *base::Endpoint::parse("192.0.2.9:5060", 5060);
    note.frame.destination = site.listeners[0].endpoint;
    note.client = {1, 2};
    site.keys.keys[0].emplace('a', base::Key128{1, 2, 3});
    bindings.set_observer(watchers);
  }
  location::Outcome process(const sip::Message& message) {
    std::array<char, base::path_bytes_max> room;
    const std::uint64_t shape = registrar::shape_of(message, note, site, shape_key);
    auto registration = registrar::read_again(message, note, std::as_const(locations).find(note.client), shape);
    if (!registration) {
      auto read = registrar::read_registration(message, "alice@example.com", note, site, room);
      if (!read) return read.error();
      read->shape = shape;
      registration.emplace(*read);
    }
    location::Outcome out = bindings.process(*registration, now_s);
    if (out.status != 200) return out;
    if (notifier::asks_for_end(message)) tag = watchers.imply(*registration, true, site, now_s * 1000);
    registrar::put_extensions(out.headers, *registration, out, site);
    return out;
  }
  /// The server takes away what there is: who is to be told is, once.
  std::string deregister() {
    const std::size_t subscriptions = watchers.size();
    if ((tag != 0) != (subscriptions != 0)) return "a subscription without its tag, or a tag without a subscription";
    bindings.remove(note.client, now_s, location::Departure::rejected);
    for (std::uint64_t now_ms = now_s * 1000; now_ms < now_s * 1000 + 400; now_ms += 100) watchers.tick(site, now_ms);
    const std::size_t told = wire.sent + watchers.counters().unsent.get();
    return told == subscriptions ? wire.faults : "told " + std::to_string(told) + " of " + std::to_string(subscriptions);
  }
};

std::string lost_row(const Home& home) {
  const assign::Location* const location = home.bindings.location({1, 2});
  if (location == nullptr) return home.bindings.bindings() == 0 ? "" : "bindings of nobody";
  if (location->count() != home.bindings.bindings() || location->count() > 10) return "a wrong count";
  const std::string row = location::to_row(*location, {.offset_s = 7});
  const auto back = location::from_row(row, {.offset_s = 7});
  if (!back || back->bindings.size() != location->count()) return "a row is not read back";
  const auto again = assign::Location::make(location->key, back->aor, back->bindings);
  return location::to_row(*again, {.offset_s = 7}) == row ? "" : "a row comes back changed";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const fuzz::Input input(data, size);
  sip::Message message;
  if (sip::index(input.text(), message) != sip::Bad::none || !message.is_request) return 0;
  static_cast<void>(sip::credentials(message, "example.com"));
  Home home;
  const auto first = home.process(message), second = home.process(message);
  fuzz::expect_none(broken_lines(first.headers));
  if (first.status != second.status || first.headers != second.headers)
    fuzz::expect_none("a retransmission is answered differently:\n" + first.headers + "--\n" + second.headers);
  fuzz::expect_none(lost_row(home));
  fuzz::expect_none(home.deregister());
  return 0;
}
