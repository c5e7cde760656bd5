// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any octets as a home's answer to a REGISTER, seen twice. The second time changes nothing; no contact stands there twice; what is kept comes
// back from the disk as it was, and is forgotten with the last watcher.
#include "../../src/notifier/changes.h"
#include "fuzz.h"
#include "viaduct/location/row.h"
#include "viaduct/notifier/sightings.h"

namespace {

using namespace viaduct;

constexpr location::ClientKey alice{1, 2};
constexpr base::Key128 seed{1};
constexpr std::uint64_t now_s = 1'000'000;

struct Changes final : location::BindingsObserver {
  std::size_t contacts{};
  void bindings_changed(const location::BindingsChange& change) override { contacts += notifier::difference(change, seed).size(); }
};

std::string faults_of(const assign::Location& location) {
  const std::string row = location::to_row(location, {.offset_s = 7});
  const auto back = location::from_row(row, {.offset_s = 7});
  if (!back || back->bindings.size() != location.count()) return "a row is not read back";
  for (std::size_t i = 0; i < location.count(); ++i) {
    const assign::BindingText b = location[i];
    if (b.uri.empty() || b.uri.size() > base::contact_uri_bytes_max || b.binding.expires_at_s <= now_s) return "no binding";
    if (b.instance.find_first_of("\r\n") != b.instance.npos) return "an instance of several lines";
    for (std::size_t j = 0; j < i; ++j)
      if (notifier::contact_id(b, seed) == notifier::contact_id(location[j], seed)) return "a contact stands there twice";
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const fuzz::Input input(data, size);
  sip::Message message;
  if (sip::index(input.text(), message) != sip::Bad::none || message.is_request) return 0;
  assign::Watched watched{1, 4};
  notifier::Sightings sightings{watched, 4, seed};
  Changes changes;
  sightings.set_observer(changes);
  const notifier::Sighting sighting{.message = message, .aor = "alice@example.com", .client = alice, .flow = *base::Endpoint::parse("192.0.2.9:5060", 5060)};
  sightings.take(sighting, now_s);
  if (sightings.find(alice) != nullptr) fuzz::expect_none("a client who is not watched is known");
  sightings.begin(alice);
  sightings.take(sighting, now_s);
  if (const assign::Location* const known = sightings.find(alice)) fuzz::expect_none(faults_of(*known));
  const std::size_t told = changes.contacts;
  sightings.take(sighting, now_s + 1);
  if (changes.contacts != told) fuzz::expect_none("what is seen again is told again");
  sightings.end(alice, now_s, now_s);
  if (sightings.find(alice) != nullptr || watched.is_any()) fuzz::expect_none("nobody watches, and he is known");
  return 0;
}
