// SPDX-License-Identifier: Apache-2.0
// The log in etcd: founding, reading, appending, trimming.
#include "viaduct/store/etcd.h"

#include <algorithm>
#include <limits>

#include "etcd_log.h"
#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"

namespace viaduct::store {
namespace etcd {
namespace {

constexpr std::uint32_t items_max = 16;
/// Octets of items after which a reader has enough for one call.
constexpr std::size_t items_bytes_enough = std::size_t{8} << 20;
/// Rows that are taken away at a time.
constexpr std::uint32_t trimmed_items_max = 256, trimmed_parts_max = 512;

std::optional<std::uint32_t> last_of(const Row& row) {
  const auto out = number_of(row.value, std::numeric_limits<std::uint32_t>::max());
  return out ? std::optional(static_cast<std::uint32_t>(*out)) : std::nullopt;
}

std::unexpected<Error> unreadable(std::uint32_t number) { return corrupt("change " + std::to_string(number) + " of the fleet's log is damaged"); }

}  // namespace

Result<json> Log::ask(const char* target, const json& request) {
  auto answer = calls_.call(target, request);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (!answer->refusal.empty()) return failed(std::move(answer->refusal));
  return std::move(answer->body);
}

Result<Outcome> Log::transact(const Transaction& t) {
  const auto answer = ask("/v3/kv/txn", {{"compare", t.compare}, {"success", t.success}, {"failure", t.failure}});
  if (!answer) return std::unexpected(answer.error());
  auto out = outcome_of(*answer, t.success.size(), t.failure.size());
  // Without a compare all hold.
  if (!out || (t.compare.empty() && !out->held)) return corrupt("an answer that cannot be read");
  return std::move(*out);
}

Result<bool> Log::found(const base::Hash128& mark, std::uint32_t first) {
  base::check(first > 0, "a log that begins with no number");
  const std::string text = text_of(Mark{.log = mark, .first = first});
  // What may be left of another log, whose mark somebody has taken away, goes.
  const auto outcome = transact({.compare = {created_at(keys_.mark(), 0)},
                                 .success = {put(keys_.mark(), text), put(keys_.last(), std::to_string(first - 1)),
                                             erase_range(keys_.items(), end_of(keys_.items())), erase_range(keys_.parts(), end_of(keys_.parts()))},
                                 .failure = {get(keys_.mark())}});
  if (!outcome) return std::unexpected(outcome.error());
  const bool is_ours = outcome->held || (outcome->row(0) != nullptr && outcome->row(0)->value == text);
  if (is_ours) know([&](Known& known) { known.mark = text; });
  return is_ours;
}

Result<std::optional<Tail>> Log::read(std::uint32_t after) {
  bool is_torn = false;
  auto out = read_once(after, is_torn);
  // Its parts went with it when it was trimmed meanwhile: then it is gone now.
  if (!out && is_torn) out = read_once(after, is_torn);
  return out;
}

Result<std::optional<Tail>> Log::read_once(std::uint32_t after, bool& is_torn) {
  const std::string end = end_of(keys_.items());
  auto outcome = transact(
      {.success = {get(keys_.mark()), get(keys_.last()), get_range(keys_.items(), end, 1, true),
                   get_range(keys_.item(std::uint64_t{after} + 1), end, items_max), get_range(keys_.nodes(), end_of(keys_.nodes()), 0), get(keys_.leader())}});
  if (!outcome) return std::unexpected(outcome.error());
  const Row *const mark_row = outcome->row(0), *const last_row = outcome->row(1), *const first_row = outcome->row(2);
  if (mark_row == nullptr) return std::nullopt;
  const auto mark = mark_of(mark_row->value);
  if (!mark) return std::unexpected(mark.error());
  const auto last = last_row == nullptr ? std::nullopt : last_of(*last_row);
  const auto first = first_row == nullptr ? last.transform([](std::uint32_t number) { return number + 1; }) : keys_.number_of(first_row->key);
  if (!last || !first || *first < mark->first || (first_row != nullptr && *first > *last)) return corrupt("the fleet's log has no end, or none that can be");
  Tail tail{.mark = mark->log, .first = *first, .last = *last, .items = {}, .nodes = {}, .leader = {}};
  if (after < tail.last && tail.first <= after + 1)
    if (const auto read = read_items(std::move(outcome->rows[3]), after, tail, is_torn); !read) return std::unexpected(read.error());
  for (Row& row : outcome->rows[4])
    tail.nodes.push_back({.name = row.key.substr(keys_.nodes().size()), .says = row.value.substr(std::min(row.value.find('\n'), row.value.size() - 1) + 1)});
  if (const Row* leader = outcome->row(5)) tail.leader = leader->value;
  know([&](Known& known) { known.mark = mark_row->value; });
  return tail;
}

Result<void> Log::read_items(std::vector<Row>&& rows, std::uint32_t after, Tail& tail, bool& is_torn) {
  std::size_t bytes = 0;
  for (const Row& row : rows) {
    const std::uint32_t number = ++after;
    const auto found = item_row_of(row.value);
    if (keys_.number_of(row.key) != number || number > tail.last || !found) return unreadable(number);
    LogItem item{.number = number, .octets = std::string(found->octets)};
    if (found->head.parts > 0) {
      if (bytes > 0 && bytes + found->head.octets > items_bytes_enough) return {};
      auto octets = read_parts(number, found->head, is_torn);
      if (!octets) return std::unexpected(octets.error());
      item.octets = std::move(*octets);
    }
    if (!is_whole(found->head, number, item.octets)) return unreadable(number);
    bytes += item.octets.size();
    tail.items.push_back(std::move(item));
  }
  if (rows.size() < std::min<std::uint64_t>(items_max, tail.last - (after - rows.size()))) return unreadable(after + 1);
  return {};
}

Result<std::string> Log::read_parts(std::uint32_t number, const Head& head, bool& is_torn) {
  std::string out;
  for (std::uint32_t index = 0; index < head.parts; ++index) {
    const auto outcome = transact({.success = {get(keys_.part(number, head.id, index))}});
    if (!outcome) return std::unexpected(outcome.error());
    const Row* row = outcome->row(0);
    is_torn = row == nullptr;
    if (row == nullptr || row->value.size() > part_bytes) return unreadable(number);
    out += row->value;
  }
  return out;
}

/// Why a change was not made, or that it can be.
std::vector<json> Log::standing() const { return {get(keys_.mark()), get(keys_.last()), get(keys_.leader()), get(keys_.reserved())}; }

Result<std::optional<Appended>> Log::judge(const Outcome& outcome, const LogItem& item, const Head& head, bool only_as_leader, const Known& mine) const {
  const Row *const mark = outcome.row(0), *const last_row = outcome.row(1), *const leader = outcome.row(2), *const reserved = outcome.row(3),
                   *const there = outcome.row(4);
  if (mark == nullptr || last_row == nullptr) return failed("there is no log of the fleet");
  if (!mine.mark.empty() && mark->value != mine.mark) return failed("there is another log of the fleet than before");
  const auto last = last_of(*last_row);
  if (!last) return corrupt("the fleet's log has no end");
  if (*last >= item.number) {
    const auto row = there == nullptr ? std::nullopt : item_row_of(there->value);
    return row && row->head.id == head.id ? Appended::done : Appended::overtaken;
  }
  if (*last < item.number - 1) return failed("change " + std::to_string(item.number) + " does not follow the last one, " + std::to_string(*last));
  const bool is_leading = leader != nullptr && leader->created == mine.leading && leader->lease == mine.lease;
  if (only_as_leader && !is_leading) return Appended::not_leading;
  if ((reserved != nullptr ? reserved->created : 0) != mine.reserving) return reserved != nullptr ? Appended::reserved : Appended::overtaken;
  return std::nullopt;
}

/// The parts of an item before itself. Returns what has become of it already, if anything.
Result<std::optional<Appended>> Log::write_parts(const LogItem& item, const Head& head, bool only_as_leader) {
  std::vector<json> standing = this->standing();
  standing.push_back(get(keys_.item(item.number)));
  const auto outcome = transact({.success = standing});
  if (!outcome) return std::unexpected(outcome.error());
  auto judged = judge(*outcome, item, head, only_as_leader, known());
  if (!judged || *judged) return judged;
  for (std::uint32_t index = 0; index < head.parts; ++index) {
    const auto octets = std::string_view(item.octets).substr(index * part_bytes, part_bytes);
    const json row = put(keys_.part(item.number, head.id, index), octets);
    if (const auto done = ask("/v3/kv/put", row.at("requestPut")); !done) return std::unexpected(done.error());
  }
  return std::nullopt;
}

Result<Appended> Log::append(const LogItem& item, bool only_as_leader) {
  base::check(item.octets.size() <= base::shared_log_item_bytes_max && item.number > 0, "a change beyond its bound");
  const Head head = head_of(item, id_of(item.octets, node_));
  if (head.parts == 0) return append_row(item, head, only_as_leader);
  const auto before = write_parts(item, head, only_as_leader);
  if (!before) return std::unexpected(before.error());
  if (*before) return **before;
  const auto out = append_row(item, head, only_as_leader);
  // Nobody will want them; those of a node that died here go when the number is trimmed.
  if (out && *out != Appended::done) {
    const std::string parts = keys_.parts(item.number, head.id);
    [[maybe_unused]] const auto erased = transact({.success = {erase_range(parts, end_of(parts))}});
  }
  return out;
}

Result<Appended> Log::append_row(const LogItem& item, const Head& head, bool only_as_leader) {
  const Known mine = known();
  Transaction t{.compare = {value_is(keys_.last(), std::to_string(item.number - 1))},
                .success = {put(keys_.item(item.number), text_of(head, item)), put(keys_.last(), std::to_string(item.number))},
                .failure = standing()};
  t.compare.push_back(created_at(keys_.reserved(), mine.reserving));
  if (!mine.mark.empty()) t.compare.push_back(value_is(keys_.mark(), mine.mark));
  if (only_as_leader) {
    t.compare.push_back(created_at(keys_.leader(), mine.leading));
    t.compare.push_back(held_by(keys_.leader(), mine.lease));
  }
  t.failure.push_back(get(keys_.item(item.number)));
  const auto outcome = transact(t);
  if (!outcome) return std::unexpected(outcome.error());
  if (outcome->held) return Appended::done;
  const auto judged = judge(*outcome, item, head, only_as_leader, mine);
  if (!judged) return std::unexpected(judged.error());
  return *judged ? Result<Appended>(**judged) : corrupt("the fleet's log has an end that cannot be");
}

Result<void> Log::trim(std::uint32_t before) {
  const std::string bound = keys_.item(before), items = keys_.items(), parts = keys_.parts();
  const auto outcome = transact({.success = {get(keys_.mark()), get(keys_.last()), get_range(items, bound, trimmed_items_max, true),
                                             get_range(parts, keys_.parts(std::uint64_t{before}), trimmed_parts_max, true)}});
  if (!outcome) return std::unexpected(outcome.error());
  const Row *const mark = outcome->row(0), *const last_row = outcome->row(1);
  const auto last = last_row == nullptr ? std::nullopt : last_of(*last_row);
  const auto& its_items = outcome->rows[2];
  const auto& its_parts = outcome->rows[3];
  if (mark == nullptr || its_items.empty()) return {};
  if (!last) return corrupt("the fleet's log has no end");
  const auto first = keys_.number_of(its_items.front().key), newest = keys_.number_of(its_items.back().key);
  if (!first || !newest) return corrupt("a row that is no change of the fleet's log");
  std::uint32_t end = std::min(*newest + 1, *last);
  // As many as have all their parts among those that were listed; but one, with as many as it has.
  if (its_parts.size() == trimmed_parts_max)
    if (const auto number = keys_.number_of(its_parts.back().key)) end = std::min(end, std::max(*number, *first + 1));
  if (end <= *first) return {};
  // An item and its parts go at once. Not from a log that has been founded since.
  const auto done = transact({.compare = {value_is(keys_.mark(), mark->value)},
                              .success = {erase_range(items, keys_.item(end)), erase_range(parts, keys_.parts(std::uint64_t{end}))}});
  return done ? Result<void>() : std::unexpected(done.error());
}

}  // namespace etcd

Result<std::unique_ptr<SharedLog>> open_etcd(EtcdOptions options) {
  base::check(!options.endpoints.empty(), "etcd without a server");
  auto log = std::make_unique<etcd::Log>(std::move(options));
  if (const auto usable = log->check(); !usable) return std::unexpected(usable.error());
  return log;
}

}  // namespace viaduct::store
