// SPDX-License-Identifier: Apache-2.0
// Why the log's changes may be made over a copy that is partly newer: each says where its clients are, not whence they come. The last one to have changed a client
// finds him elsewhere here too, and gives the record its number; or it is in the copy already, and nothing older has touched him here: the record stands as it was copied.
#include "viaduct/control/resync.h"

#include "viaduct/base/limits.h"
#include "viaduct/control/homes.h"

namespace viaduct::control {
namespace {

constexpr std::uint32_t blocks_count = std::uint32_t{1} << store::block_bits;

/// The store here, whose fault is no other node's: thrown within this file.
struct OwnFault {
  store::Error error;
};

void require(store::Result<void> done) {
  if (!done) throw OwnFault{std::move(done.error())};
}

/// One node's, into one batch.
class Copy {
 public:
  Copy(Peers& peers, const base::Endpoint& from, const base::Hash128& fleet, const Tell& tell) : peers_(peers), from_(from), fleet_(fleet), tell_(tell) {}
  [[nodiscard]] Expected<std::uint32_t> into(store::Store& store, std::uint32_t at_least);

 private:
  [[nodiscard]] Expected<PeerAssignment> ask(std::uint32_t at_least) const;
  [[nodiscard]] Expected<void> put_clients(store::Writer& writer, std::uint32_t at_least);
  [[nodiscard]] Expected<void> put_homes(store::Writer& writer, const PeerAssignment& now) const;
  [[nodiscard]] Expected<void> check(std::uint32_t epoch, const std::optional<base::Hash128>& fleet, std::uint32_t at_least) const;
  [[nodiscard]] std::unexpected<std::string> fault(std::string_view what) const { return std::unexpected(from_.text().append(": ").append(what)); }

  Peers& peers_;
  const base::Endpoint& from_;
  const base::Hash128& fleet_;
  const Tell& tell_;
  std::uint64_t clients_{};
  assign::HomeIndex last_home_{};  // the largest of a client
};

Expected<void> Copy::check(std::uint32_t epoch, const std::optional<base::Hash128>& fleet, std::uint32_t at_least) const {
  if (fleet != fleet_) return fault(fleet ? "follows another log" : "follows no log");
  if (epoch < at_least) return fault("is at " + std::to_string(epoch) + " itself; wanted: " + std::to_string(at_least) + " at least");
  return {};
}

Expected<PeerAssignment> Copy::ask(std::uint32_t at_least) const {
  auto out = peers_.assignment(from_);
  if (!out) return out;
  if (auto fits = check(out->epoch, out->fleet, at_least); !fits) return std::unexpected(std::move(fits.error()));
  return out;
}

Expected<void> Copy::put_clients(store::Writer& writer, std::uint32_t at_least) {
  for (std::uint32_t block = 0; block < blocks_count;) {
    const auto some = peers_.placements(from_, block, blocks_count);
    if (!some) return std::unexpected(some.error());
    if (auto fits = check(some->epoch, some->fleet, at_least); !fits) return fits;
    for (const auto& [record, aor] : some->clients) {
      require(writer.keep(record, aor));
      last_home_ = std::max(last_home_, record.home);
    }
    clients_ += some->clients.size();
    block = some->next;
    if (tell_) tell_(clients_);
  }
  return {};
}

Expected<void> Copy::put_homes(store::Writer& writer, const PeerAssignment& now) const {
  if (clients_ > 0 && last_home_ >= now.homes.size()) return fault("a client's home is none");
  for (std::size_t i = 0; i < now.homes.size(); ++i) {
    if (now.homes[i].empty()) continue;
    if (const auto home = home_described(now.homes[i]); !home) return fault(home.error());
    require(writer.set_home(static_cast<std::uint16_t>(i), now.homes[i]));
  }
  if (!now.slots.empty()) require(writer.set_slots(now.slots));
  return {};
}

Expected<std::uint32_t> Copy::into(store::Store& store, std::uint32_t at_least) {
  const auto before = ask(at_least);
  if (!before) return std::unexpected(before.error());
  auto writer = store.begin({"viaductd", "the fleet's assignment, from " + from_.text()});
  if (!writer) throw OwnFault{std::move(writer.error())};
  require((*writer)->clear());
  if (auto put = put_clients(**writer, before->epoch); !put) return std::unexpected(std::move(put.error()));
  // Later than the clients, so that every home is there that one of them has: none ever goes.
  const auto after = ask(before->epoch);
  if (!after) return std::unexpected(after.error());
  if (after->epoch == before->epoch && clients_ != before->clients)
    return fault("counts " + std::to_string(before->clients) + " clients and has " + std::to_string(clients_));
  if (auto put = put_homes(**writer, *after); !put) return std::unexpected(std::move(put.error()));
  require((*writer)->set_fleet(fleet_));
  require((*writer)->commit_as(before->epoch));
  return before->epoch;
}

}  // namespace

Expected<std::uint32_t> fetch_assignment(Peers& peers, store::Store& store, std::span<const base::Endpoint> controls, const base::Hash128& fleet,
                                         std::uint32_t at_least, const Tell& tell) {
  std::string why;
  try {
    for (const base::Endpoint& from : controls) {
      auto epoch = Copy(peers, from, fleet, tell).into(store, at_least);
      if (epoch) return epoch;
      why.append(why.empty() ? "" : "; ").append(epoch.error());
    }
  } catch (const OwnFault& fault) {
    return std::unexpected(fault.error.text);
  }
  return std::unexpected(why.empty() ? "no other node is known" : why);
}

}  // namespace viaduct::control
