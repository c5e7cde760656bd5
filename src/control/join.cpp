// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/join.h"

#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "viaduct/base/clocks.h"
#include "viaduct/control/entry.h"
#include "viaduct/control/fleet.h"
#include "viaduct/control/homes.h"
#include "viaduct/control/resync.h"

namespace viaduct::control {
namespace {

constexpr std::chrono::seconds look_again_after{1};
constexpr unsigned told_every = 10;   // looks
constexpr std::uint64_t told_fetched_every_ms = 10'000;

std::unexpected<std::string> because(const store::Error& e) { return std::unexpected(e.text); }

/// A store as a node joins with it.
struct Standing {
  std::uint32_t epoch{};
  std::optional<base::Hash128> fleet;
  bool is_empty{};
};

Expected<Standing> standing_of(const store::Store& store) {
  const auto snapshot = store.snapshot();
  if (!snapshot) return because(snapshot.error());
  const auto fleet = (*snapshot)->fleet();
  if (!fleet) return because(fleet.error());
  return Standing{.epoch = (*snapshot)->epoch(), .fleet = *fleet, .is_empty = (*snapshot)->epoch() == 0};
}

/// A store that has had its changes for itself is a fleet's from its next epoch on.
Expected<void> follow_from_now_on(store::Store& store, const base::Hash128& mark) {
  auto writer = store.begin({"viaductd", "the store follows a fleet's log from here on"});
  if (!writer) return because(writer.error());
  if (const auto set = (*writer)->set_fleet(mark); !set) return because(set.error());
  if (const auto done = (*writer)->commit(); !done) return because(done.error());
  return {};
}

/// The first change of a fleet: the configuration's homes, and all slots dealt to them.
Expected<std::string> first_entry(const store::Store& store, const config::Config& config) {
  const auto seed = read_fleet(store, config);
  if (!seed) return std::unexpected(seed.error());
  EntryHead head{.node = config.node_name,
                 .author = {"viaductd", "a fleet, founded from " + config.file.string()},
                 .at_s = base::wall_s(),
                 .sets_out = false,
                 .homes = {}};
  for (std::size_t i = 0; i < seed->homes.size(); ++i) head.homes[static_cast<assign::HomeIndex>(i)] = describe(as_shared(seed->homes[i]));
  EntryWriter rows;
  for (std::uint32_t i = 0; i < seed->slots.size(); ++i) rows.add(SlotRow{.slot = i, .home = seed->slots[i], .previous = assign::no_home});
  return rows.finish(head);
}

/// Into the store alone: there is no table yet. With the first one the store becomes that fleet's.
Expected<void> take_in(store::Store& store, const store::LogItem& item, const base::Hash128& mark, const base::Key128& seed) {
  const auto fault = [&](const std::string& what) { return std::unexpected("change " + std::to_string(item.number) + " of the fleet: " + what); };
  const auto entry = Entry::read(item.octets);
  if (!entry) return fault(entry.error());
  std::vector<std::uint16_t> slots;
  if (const auto rows = entry->slots(); !rows.empty()) {
    const auto snapshot = store.snapshot();
    if (!snapshot) return fault(snapshot.error().text);
    auto known = (*snapshot)->slots();
    if (!known) return fault(known.error().text);
    slots = std::move(*known);
    slots.resize(base::slots_count, assign::no_home);
    for (const SlotRow& row : rows) slots[row.slot] = row.home;
  }
  auto writer = store.begin(entry->head().author);
  if (!writer) return fault(writer.error().text);
  if (item.number == 1)
    if (const auto set = (*writer)->set_fleet(mark); !set) return fault(set.error().text);
  for (const auto& [index, description] : entry->head().homes)
    if (const auto set = (*writer)->set_home(index, description); !set) return fault(set.error().text);
  if (!slots.empty())
    if (const auto set = (*writer)->set_slots(slots); !set) return fault(set.error().text);
  Expected<void> put{};
  entry->for_each_client([&](const ClientRow& row) {
    const auto done = (*writer)->put({.key = sip::client_key(row.aor, seed), .aor = row.aor, .home = row.home, .pin = row.pin});
    if (!done) put = std::unexpected(done.error().text);
    return done.has_value();
  });
  if (!put) return fault(put.error());
  if (const auto done = (*writer)->commit_as(item.number); !done) return fault(done.error().text);
  return {};
}

/// A fleet's mark: which it is, and by which seed and policy its clients are placed: with others every node would come to homes of its own.
base::Hash128 mark_of(std::uint64_t which, const config::Config& config) {
  const std::string text = std::to_string(which) + (config.assign_policy == config::AssignPolicy::slots ? " slots" : " explicit");
  return {.low = base::siphash64(config.fleet_seed, text), .high = which};
}

std::uint64_t at_random() {
  std::uint64_t out{};
  if (getrandom(&out, sizeof out, 0) != static_cast<ssize_t>(sizeof out)) throw std::runtime_error("the kernel gives no random octets");
  return out;
}

/// The mark of the fleet that a store founds: by it the node knows its own, if it ends before the store says so.
Expected<base::Hash128> mark_from(const store::Store& store, const config::Config& config) {
  const auto snapshot = store.snapshot();
  if (!snapshot) return because(snapshot.error());
  const auto mark = (*snapshot)->mark();
  if (!mark) return because(mark.error());
  return mark_of(*mark ? (*mark)->low : at_random(), config);
}

class Joining {
 public:
  Joining(store::Store& store, store::SharedLog& log, Peers& peers, const config::Config& config) : store_(store), log_(log), peers_(peers), config_(config) {}

  /// `whole`: the store has all that the log has; `alone`: that is not known.
  enum class Step : std::uint8_t { whole, alone, again, later };
  /// One look at the log, and what follows from it.
  Expected<Step> look();
  /// Whether this node has founded the fleet from its configuration, and has not brought in its assignments file.
  Expected<bool> owes_placements();

 private:
  Expected<Step> found(const Standing& mine);
  Expected<bool> attend();
  Expected<Step> follow(const Standing& mine, const store::Tail& tail);
  Expected<Step> wait(const std::string& why);
  Expected<Step> fetch(const store::Tail& tail);
  [[nodiscard]] std::string not_of_the_fleet() const;

  store::Store& store_;
  store::SharedLog& log_;
  Peers& peers_;
  const config::Config& config_;
  unsigned looks_{};
  unsigned refused_{};   // looks at which another process had this node's name
};

Expected<Joining::Step> Joining::wait(const std::string& why) {
  if (looks_++ % told_every == 0) spdlog::warn("this node waits for its fleet: {}", why);
  return Step::later;
}

Expected<Joining::Step> Joining::look() {
  const auto mine = standing_of(store_);
  if (!mine) return std::unexpected(mine.error());
  const auto tail = log_.read(mine->epoch);
  if (!tail && tail.error().fault != store::Fault::unreachable) return because(tail.error());
  if (!tail) {
    if (mine->is_empty || !mine->fleet) return wait(tail.error().text);
    spdlog::warn("the fleet's log is out of reach, this node starts with what it had: {}", tail.error().text);
    return Step::alone;
  }
  if (const auto attended = attend(); !attended || !*attended) return attended ? Expected<Step>(Step::later) : std::unexpected(attended.error());
  return *tail ? follow(*mine, **tail) : found(*mine);
}

/// The name is this node's from here on. False: not yet. A process that has died on another machine is gone for the others some seconds later.
Expected<bool> Joining::attend() {
  const auto attended = log_.attend("{}");
  if (attended) return true;
  if (attended.error().fault != store::Fault::in_use || ++refused_ > base::shared_log_away_s + 3) return because(attended.error());
  return false;
}

/// A store that has had its changes for itself becomes the fleet's with its next epoch, and that is the log's last before its first.
Expected<Joining::Step> Joining::found(const Standing& mine) {
  if (mine.fleet)
    return std::unexpected("etcd has no log of this node's fleet any more: bring it back, or found the fleet anew from the node with the highest epoch, " +
                           std::string("with its clients.mdb exported and imported into an empty store"));
  const auto mark = mine.is_empty ? Expected<base::Hash128>(mark_of(at_random(), config_)) : mark_from(store_, config_);
  if (!mark) return std::unexpected(mark.error());
  const auto founded = log_.found(*mark, mine.is_empty ? 1 : mine.epoch + 2);
  if (!founded && founded.error().fault == store::Fault::unreachable) return wait(founded.error().text);
  if (!founded) return because(founded.error());
  if (*founded) spdlog::info("a fleet is founded, from {}", mine.is_empty ? "the configuration" : "this node's store");
  return Step::again;
}

Expected<Joining::Step> Joining::follow(const Standing& mine, const store::Tail& tail) {
  if (mark_of(tail.mark.high, config_) != tail.mark)
    return std::unexpected("fleet.seed or assign.policy is another than that of the fleet that has its log in etcd under this prefix");
  if (!mine.is_empty && !mine.fleet && tail.first == mine.epoch + 2) {
    const auto own = mark_from(store_, config_);
    if (!own) return std::unexpected(own.error());
    if (*own != tail.mark) return std::unexpected(not_of_the_fleet());
    if (const auto set = follow_from_now_on(store_, tail.mark); !set) return std::unexpected(set.error());
    return Step::again;
  }
  if (!mine.is_empty && mine.fleet != tail.mark) return std::unexpected(not_of_the_fleet());
  if (tail.last == 0) {
    const auto first = first_entry(store_, config_);
    if (!first) return std::unexpected(first.error());
    const auto appended = log_.append({.number = 1, .octets = *first}, false);
    if (!appended && appended.error().fault == store::Fault::unreachable) return wait(appended.error().text);
    if (!appended) return because(appended.error());
    return Step::again;
  }
  if (mine.epoch > tail.last)
    return std::unexpected("the fleet's log ends at change " + std::to_string(tail.last) + ", and this node's store has " + std::to_string(mine.epoch) +
                           ": etcd has lost what it had");
  if (mine.epoch + 1 < tail.first) return fetch(tail);
  for (const store::LogItem& item : tail.items)
    if (const auto taken = take_in(store_, item, tail.mark, config_.fleet_seed); !taken) return std::unexpected(taken.error());
  if (tail.items.empty() && mine.epoch < tail.last) return wait("its log has no change " + std::to_string(mine.epoch + 1));
  return mine.epoch + tail.items.size() == tail.last ? Step::whole : Step::again;
}

std::string Joining::not_of_the_fleet() const {
  return "the store at " + config_.store_path.string() +
         " is not of the fleet that has its log in etcd: a node joins with an empty store, or founds a fleet under another etcd.prefix";
}

/// The founder's first entry is its homes; the clients follow in one of their own, which may not have come to be.
Expected<bool> Joining::owes_placements() {
  if (config_.assignments_file.empty()) return false;
  const auto snapshot = store_.snapshot();
  if (!snapshot) return because(snapshot.error());
  for (std::uint32_t after = 0;;) {
    const auto tail = log_.read(after);
    if (!tail && tail.error().fault != store::Fault::unreachable) return because(tail.error());
    if (!tail || !*tail || (*tail)->first != 1) return false;   // the next start asks again
    if ((*tail)->items.empty()) break;
    for (const store::LogItem& item : (*tail)->items) {
      const auto entry = Entry::read(item.octets);
      if (!entry) return std::unexpected(entry.error());
      const bool is_own = entry->head().node == config_.node_name && entry->head().author.who == "viaductd";
      if (is_own != (item.number == 1)) return false;   // another node has founded it; or this one has brought them in
      after = item.number;
    }
  }
  if ((*snapshot)->clients() == 0) return true;
  spdlog::warn("{} has not been brought in, and clients have been placed since: viaduct clients import", config_.assignments_file.string());
  return false;
}

Expected<Joining::Step> Joining::fetch(const store::Tail& tail) {
  const auto controls = controls_of(tail.nodes, config_.node_name);
  if (controls.empty()) return wait("what came before change " + std::to_string(tail.first) + " is another node's to give, and none is there");
  spdlog::info("the whole assignment is fetched from another node");
  const auto tell = [last_ms = base::monotonic_ms()](std::uint64_t clients) mutable {
    if (base::monotonic_ms() - last_ms < told_fetched_every_ms) return;
    last_ms = base::monotonic_ms();
    spdlog::info("{} clients fetched", clients);
  };
  const auto fetched = fetch_assignment(peers_, store_, controls, tail.mark, tail.first - 1, tell);
  if (!fetched) return wait(fetched.error());
  return Step::again;
}

}  // namespace

std::vector<base::Endpoint> controls_of(const std::vector<store::Attendant>& nodes, const std::string& own_name) {
  std::vector<base::Endpoint> out;
  for (const store::Attendant& node : nodes) {
    if (node.name == own_name) continue;
    const auto says = nlohmann::json::parse(node.says, nullptr, false);
    if (!says.is_object() || !says.contains("control") || !says["control"].is_string()) continue;
    if (const auto at = base::Endpoint::parse(says["control"].get<std::string>(), 0); at && at->port != 0) out.push_back(*at);
  }
  return out;
}

Expected<Joined> join_fleet(store::Store& store, store::SharedLog& log, Peers& peers, const config::Config& config, const std::function<bool()>& goes_on) {
  if (store.is_read_only()) {
    spdlog::warn("the store cannot be written: this node does not follow its fleet");
    return Joined{};
  }
  Joining joining(store, log, peers, config);
  while (goes_on()) {
    const auto step = joining.look();
    if (!step) return std::unexpected(step.error());
    if (*step == Joining::Step::alone) return Joined{};
    if (*step == Joining::Step::whole) {
      const auto owes = joining.owes_placements();
      if (!owes) return std::unexpected(owes.error());
      return Joined{.is_current = true, .owes_placements = *owes};
    }
    if (*step == Joining::Step::later) std::this_thread::sleep_for(look_again_after);
  }
  return std::unexpected("stopped while it waited for its fleet");
}

}  // namespace viaduct::control
