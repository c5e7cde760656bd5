// SPDX-License-Identifier: Apache-2.0
// Verbs about subscriptions: who watches whom, and ending them.
#include <fmt/format.h>

#include <array>

#include "answers.h"
#include "arguments.h"
#include "viaduct/base/clocks.h"
#include "viaduct/sip/token.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using notifier::Ending;
using notifier::SubscriptionView;

constexpr std::uint32_t rows_told_max = 100'000;
constexpr std::uint32_t retry_after_s_max = 86'400;   // who is not to come back within a day is rejected

/// As the tag of the dialog has it.
std::string id_text(std::uint64_t id) {
  std::array<char, sip::base32_64_bytes> out;
  sip::write_base32(id, out);
  return {out.data(), out.size()};
}

json row_of(const SubscriptionView& s) {
  return {{"id", id_text(s.id)},
          {"aor", s.aor},
          {"subscriber", s.subscriber},
          {"target", s.target},
          {"next", s.next.text()},
          {"expires_in_s", s.expires_in_s},
          {"cseq", s.cseq},
          {"open", s.is_open},
          {"owed", s.is_owed},
          {"event", s.is_implicit ? "registration" : "reg"},
          {"elsewhere", s.is_elsewhere},
          {"ending", s.ending == Ending::none ? json() : json(notifier::reason(s.ending))}};
}

control::Expected<control::Client> watched_client(const Plant& plant, const json& request) {
  control::Expected<control::Client> client;
  plant.loop.call([&] { client = client_of(request, plant.commons.site.read()); });
  return client;
}

/// The reasons that an operator may give; `timeout` is the clock's.
std::optional<notifier::Farewell> farewell_of(const json& request) {
  constexpr std::array endings = {Ending::deactivated, Ending::probation, Ending::rejected, Ending::giveup, Ending::noresource};
  const auto named = request.value("reason", std::string("deactivated"));
  for (const Ending ending : endings)
    if (notifier::reason(ending) == named)
      return notifier::Farewell{.ending = ending, .retry_after_s = whole_number(request, "retry_after_s", {0, retry_after_s_max}).value_or(0)};
  return std::nullopt;
}

}  // namespace

json subs_list(const Plant& plant, const json& request) {
  const std::size_t most = whole_number(request, "most", {1, rows_told_max}).value_or(100);
  json rows = json::array();
  std::size_t total = 0;
  const std::uint64_t now_ms = base::monotonic_ms();
  if (request.contains("aor")) {
    const auto client = watched_client(plant, request);
    if (!client) return failure(client.error());
    plant.registrar.call(client->key, [&](registrar::Shard& shard) {
      for (const SubscriptionView& s : shard.watchers().of(client->key, now_ms)) rows.push_back(row_of(s));
    });
    total = rows.size();
  } else {
    plant.registrar.call_each([&](registrar::Shard& shard) {
      total += shard.watchers().size();
      for (const SubscriptionView& s : shard.watchers().list(most - rows.size(), now_ms)) rows.push_back(row_of(s));
    });
  }
  return {{"ok", true}, {"subscriptions", rows}, {"total", total}};
}

json subs_show(const Plant& plant, const json& request) {
  const auto id = sip::read_base32(request.at("id").get_ref<const std::string&>());
  json out = failure("no subscription has that id");
  if (!id) return out;
  plant.registrar.call_each([&](registrar::Shard& shard) {
    if (const auto found = shard.watchers().find(*id, base::monotonic_ms())) {
      out = row_of(*found);
      out["ok"] = true;
    }
  });
  return out;
}

json subs_terminate(const Plant& plant, const json& request) {
  const auto farewell = farewell_of(request);
  if (!farewell) return failure("reason: deactivated, probation, rejected, giveup or noresource");
  std::size_t count = 0;
  if (request.contains("aor")) {
    const auto client = watched_client(plant, request);
    if (!client) return failure(client.error());
    plant.registrar.call(client->key, [&](registrar::Shard& shard) { count = shard.watchers().end(client->key, *farewell, base::monotonic_ms()); });
    return {{"ok", true}, {"ended", count}};
  }
  const auto id = sip::read_base32(request.at("id").get_ref<const std::string&>());
  plant.registrar.call_each([&](registrar::Shard& shard) { count += id && shard.watchers().end_one(*id, *farewell, base::monotonic_ms()) ? 1 : 0; });
  return count != 0 ? json{{"ok", true}, {"ended", count}} : failure("no subscription has that id, or it is ending");
}

}  // namespace viaduct::api
