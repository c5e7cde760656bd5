// SPDX-License-Identifier: Apache-2.0
// The nodes of a fleet in etcd: a lease each, and on it what it says of itself, and the lead.
#include "etcd_log.h"
#include "viaduct/base/limits.h"

namespace viaduct::store::etcd {
namespace {

/// Octets that a node says of itself: a thousand of such rows are read at a time.
constexpr std::size_t says_bytes_max = 4096;

}  // namespace

/// Keep the lease, or be granted another one when it is over: then with it went the row and the lead.
Result<void> Log::keep_lease() {
  if (const std::int64_t lease = known().lease; lease != 0) {
    const auto kept = ask("/v3/lease/keepalive", {{"ID", std::to_string(lease)}});
    if (!kept) return std::unexpected(kept.error());
    const auto result = kept->find("result");
    const auto left = result != kept->end() && result->is_object() ? number_in(*result, "TTL") : std::nullopt;
    if (!left) return corrupt("an answer that cannot be read");
    if (*left > 0) return {};
  }
  const auto granted = ask("/v3/lease/grant", {{"TTL", std::to_string(base::shared_log_away_s)}});
  if (!granted) return std::unexpected(granted.error());
  const auto lease = number_in(*granted, "ID");
  if (!lease || *lease == 0) return corrupt("an answer that cannot be read");
  know([&](Known& known) { known = {.lease = *lease, .says = {}, .mark = known.mark}; });
  return {};
}

/// Make the row, or change it, if it is ours.
Result<void> Log::say(const std::string& says) {
  const Known mine = known();
  const std::string key = keys_.node(node_);
  const json row = put(key, identity_ + '\n' + says, mine.lease);
  // An attempt whose answer was lost may have made it.
  for (const json& compare : {created_at(key, 0), held_by(key, mine.lease)}) {
    const auto outcome = transact({.compare = {compare}, .success = {row}});
    if (!outcome) return std::unexpected(outcome.error());
    if (!outcome->held) continue;
    know([&](Known& known) { known.says = says; });
    return {};
  }
  // One of ours that has died: there is one process of an identity.
  const auto there = transact({.success = {get(key)}});
  if (!there) return std::unexpected(there.error());
  if (const Row* earlier = there->row(0); earlier != nullptr && !identity_.empty() && earlier->value.starts_with(identity_ + '\n')) {
    const auto outcome = transact({.compare = {value_is(key, earlier->value)}, .success = {row}});
    if (!outcome) return std::unexpected(outcome.error());
    if (outcome->held) {
      know([&](Known& known) { known.says = says; });
      return {};
    }
  }
  return std::unexpected(Error{Fault::in_use, "etcd: another process of the node " + node_ + " is in the fleet; one that has died is gone " +
                                                  std::to_string(base::shared_log_away_s) + " s later"});
}

Result<void> Log::attend(const std::string& says) {
  if (says.size() > says_bytes_max) return failed("a node says too much of itself");
  const std::lock_guard one(attending_);
  if (auto kept = keep_lease(); !kept) return kept;
  if (known().must_release) give_back();
  return known().says == says ? Result<void>() : say(says);
}

/// Make a row of which there is one ours, on our lease, unless it is somebody's. Returns the revision that made it ours; nullopt: it is another node's.
Result<std::optional<std::int64_t>> Log::hold(const std::string& key) {
  const std::int64_t lease = known().lease;
  if (lease == 0) return std::nullopt;
  const auto answer = calls_.call(
      "/v3/kv/txn",
      {{"compare", json::array({created_at(key, 0)})}, {"success", json::array({put(key, node_, lease), get(key)})}, {"failure", json::array({get(key)})}});
  if (!answer) return std::unexpected(answer.error());
  if (answer->is_no_such_lease) return std::nullopt;
  if (!answer->refusal.empty()) return failed(answer->refusal);
  const auto outcome = outcome_of(answer->body, 2, 1);
  const Row* row = outcome ? outcome->row(outcome->held ? 1 : 0) : nullptr;
  if (row == nullptr) return corrupt("an answer that cannot be read");
  return row->lease == lease ? std::optional(row->created) : std::nullopt;
}

Result<bool> Log::lead() {
  const std::lock_guard one(attending_);
  const auto held = hold(keys_.leader());
  if (!held) return std::unexpected(held.error());
  know([&](Known& known) { known.leading = held->value_or(Known().leading); });
  return held->has_value();
}

Result<bool> Log::reserve() {
  const std::lock_guard one(attending_);
  const auto held = hold(keys_.reserved());
  if (!held) return std::unexpected(held.error());
  know([&](Known& known) {
    known.reserving = held->value_or(0);
    known.must_release = false;
  });
  return held->has_value();
}

void Log::release() {
  const std::lock_guard one(attending_);
  if (known().reserving == 0) return;
  know([](Known& known) { known.must_release = true; });
  give_back();
}

/// Without an answer it is tried again by attend(): its lease goes on, so it would stand for good.
void Log::give_back() {
  const std::int64_t reserving = known().reserving;
  if (transact({.compare = {created_at(keys_.reserved(), reserving)}, .success = {erase_range(keys_.reserved(), keys_.reserved() + '\0')}}))
    know([](Known& known) { known.reserving = 0, known.must_release = false; });
}

void Log::leave() {
  const std::lock_guard one(attending_);
  const std::int64_t lease = known().lease;
  if (lease == 0) return;
  know([](Known& known) { known = {.mark = known.mark}; });
  // Without an answer it is over some seconds later.
  [[maybe_unused]] const auto revoked = calls_.call("/v3/lease/revoke", {{"ID", std::to_string(lease)}}, true);
}

}  // namespace viaduct::store::etcd
