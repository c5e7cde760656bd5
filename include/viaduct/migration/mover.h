// SPDX-License-Identifier: Apache-2.0
// Carries plans out: durable, then visible to every worker, then the client brought over, then confirmed, then his watchers told.
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "viaduct/control/placements.h"
#include "viaduct/control/replica.h"
#include "viaduct/migration/guests.h"
#include "viaduct/migration/plan.h"
#include "viaduct/store/rows.h"

namespace viaduct::migration {

class Congestion;
class Herald;
class Ledger;

/// What watchers of clients are told. `moved`: subscribe again, now (RFC 6665 `deactivated`); `leaving`: the client himself, to refresh soon (RFC 3680
/// `shortened`); `fleeing`: subscribe again a little later (RFC 6665 `probation`), since the home before is given up.
enum class Tidings : std::uint8_t { moved, leaving, fleeing };
/// Tell the watchers whose subscriptions the home before, or this node in its place, has. On return it is durable there. Returns who of those that were not
/// confirmed has registered there since he set out, as far as that home says. Errors: not told, to be tried again.
/// Thread: several, of the mover's; one at a time for a home.
using TellWatchers = std::function<Expected<std::vector<sip::ClientKey>>(assign::HomeIndex from, Tidings tidings, std::span<const Step* const> clients)>;

struct MoverSettings {
  std::uint32_t deadline_s{7200};          ///< until a move that nobody confirms is over: twice the longest refresh
  std::uint32_t cooldown_s{7200};          ///< how long who has moved stays, but for drains
  std::uint32_t settled_s{180};            ///< how long CANCEL and ACK still go to both homes: an INVITE transaction at its longest
  double clients_per_s{2000};              ///< of a plan, unless it says otherwise
  double receiver_clients_per_s{200};      ///< towards one home
  double donor_clients_per_s{200};         ///< away from one home, unless it is evacuated
};

/// One plan at a time moves clients; those of earlier ones may still be on their way. Thread: restore and start from the one that makes it; everything else
/// from any but the control core.
class Mover {
 public:
  Mover(site::Commons& commons, control::Loop& loop, control::Placements& placements, TellWatchers tell);
  ~Mover();
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;

  /// What a node knew before it was restarted; before the first packet, so that clients between two homes are so at once. What another store than `store`
  /// (Snapshot::mark) has left there is forgotten: homes are known by index. Errors: the rows cannot be read, or are another store's and cannot be written.
  [[nodiscard]] Expected<void> restore(std::unique_ptr<store::Rows> rows, const std::optional<base::Hash128>& store, const MoverSettings& settings);
  /// Shape: after restore. A node that never starts it (its store cannot be written) has no plans.
  void start();
  /// Everything that is under way stays as it is, to be restored.
  void stop();
  void set(const MoverSettings& settings);

  /// Keep a plan to be shown and applied; one that was only proposed makes way, and so it does at a restart. Clients who are on their way already, or rest from
  /// a move (unless `is_forced`), stay out of it. Sets what is not of the plan itself: id, which no other plan ever has, state, times, counts. Returns its id.
  /// Errors: another plan is not over; nobody is left to be moved.
  [[nodiscard]] Expected<std::uint32_t> propose(Plan plan, std::vector<Step> steps, bool is_forced);
  [[nodiscard]] Expected<void> apply(std::uint32_t id, std::optional<double> clients_per_s, std::optional<MoveMode> mode);
  [[nodiscard]] Expected<void> pause(std::uint32_t id);
  [[nodiscard]] Expected<void> resume(std::uint32_t id);
  /// Who has not moved yet stays; who has is brought over.
  [[nodiscard]] Expected<void> abort(std::uint32_t id);

  /// Place one client where the operator wants him, whatever plans say; nullopt: back to his slot, nowhere where nobody lives by one. On return it is durable
  /// and every worker sees it. Who had another home moves there as in a plan, behind the answer: asked to come soon if he watches himself, confirmed, his
  /// watchers told. Who is on his way goes there instead; of the home between the watchers end by their refresh.
  [[nodiscard]] Expected<control::Outcome> place(const control::Client& client, std::optional<assign::HomeIndex> home, bool pin, store::Author author);
  /// The move that a client is on, in a plan or by hand; planned ones too. Of one who is on none, the one whose watchers are to be told.
  [[nodiscard]] std::optional<Step> move_of(const sip::ClientKey& client) const;

  /// In a fleet of several nodes: why this one makes and carries out no plans at the moment; empty: it does. Shape: before start.
  using Hindrance = std::function<std::string()>;
  void share(Hindrance hindrance) { hindrance_ = std::move(hindrance); }
  [[nodiscard]] std::string hindrance() const { return hindrance_ ? hindrance_() : std::string(); }
  /// What another node has changed: who has set out by it, and who has arrived. Past ones are those from before the start.
  void follow(const control::Entry& entry, const std::vector<control::FollowedClient>& clients, bool is_past);
  /// Who has been seen to arrive here since it was last called: for the other nodes. Shape: of a fleet of several nodes.
  [[nodiscard]] std::vector<assign::Confirmation> take_arrivals();
  /// Clients and slots that other nodes have set on their way.
  [[nodiscard]] std::size_t guests() const { return guests_.count(); }

  /// Those that are still known; newest last.
  [[nodiscard]] std::vector<Plan> plans() const;
  /// Up to `most` of a plan's moves that are not over.
  [[nodiscard]] std::vector<Step> steps(std::uint32_t id, std::size_t most) const;
  /// Clients who have set out from a home, and whom nobody has confirmed yet.
  [[nodiscard]] std::uint64_t waiting(assign::HomeIndex from) const;
  /// Whether a client moved lately or is on his way. Shape: many are asked at once.
  [[nodiscard]] std::vector<bool> resting(std::span<const sip::ClientKey> clients) const;

  /// Homes that are still to be filled, as they were kept last. Shape: after restore.
  [[nodiscard]] std::set<std::string> joining() const { return joining_; }
  /// Keep them over a restart.
  void keep_joining(const std::set<std::string>& homes);

 private:
  /// Tokens, a client each.
  struct Bucket {
    double tokens{}, per_s{};
    void fill(double seconds);
  };
  /// When something of a step ends. The step may be over before.
  struct End {
    std::uint64_t s;  // base::unset_wall_s()
    sip::ClientKey key;
    bool is_slot{};
    bool operator>(const End& other) const { return s > other.s; }
  };
  using Soonest = std::priority_queue<End, std::vector<End>, std::greater<>>;
  /// What a move that is over still means for a client: both as in Step; 0 when it means that no more.
  struct Rest {
    std::uint64_t until_s{}, both_until_s{};
    [[nodiscard]] std::uint64_t end_s() const { return std::max(until_s, both_until_s); }
  };
  /// From where to where, the receiver first.
  using Way = std::pair<assign::HomeIndex, assign::HomeIndex>;
  static Way way_of(const Step& step) { return {step.to, step.from}; }
  /// Committed; to be asked to come, or watchers sent away, once every worker has seen it.
  struct Leaving {
    std::vector<Step> steps;
    Tidings tidings;
    share::GraceToken seen;
  };

  /// A home that is to be told again: not before, and why it was not.
  struct Untold {
    std::uint64_t again_ms{};
    std::string why;
  };

  /// What became of steps that were to set out.
  struct Wave {
    std::vector<Step*> going;  ///< they are where the plan has them
    std::vector<Step*> staying;  ///< pinned meanwhile, or their new home is none any more, or they have none
    std::vector<std::pair<Step*, assign::HomeIndex>> elsewhere;  ///< clients whom somebody has placed there meanwhile
  };
  /// Whether a home takes clients: now; again, when it is found to be up; or not for any plan.
  enum class Reception : std::uint8_t { open, interrupted, closed };

  void run();
  void set_clocks(std::vector<Step>& steps, std::int64_t ahead_s);
  void keep_restored(std::vector<Step> steps);
  void resume_all();
  [[nodiscard]] Expected<control::Outcome> send(std::unique_lock<std::mutex> plans, const control::Client& client, assign::HomeIndex from, assign::HomeIndex to,
                                                const std::function<Expected<control::Outcome>()>& commit);
  [[nodiscard]] bool turn(Step& step, assign::HomeIndex to);
  void turn_round();
  void end_homeless();
  void overtake(Step& step);
  [[nodiscard]] bool round(double seconds);
  void hear();
  void overdue();
  void end_rests(std::uint64_t now_s);
  void settle(Step& step, bool is_confirmed, std::vector<const Step*>& changed, std::vector<const Step*>& over, std::uint64_t slot_deadline_s);
  [[nodiscard]] bool hear(const assign::Confirmation& told, const assign::Placement& placed, std::vector<const Step*>& changed, std::vector<const Step*>& over);
  [[nodiscard]] bool settle_of_slot(const assign::Confirmation& told, std::vector<const Step*>& changed, std::vector<const Step*>& over);
  void rest(const Step& step);
  Step& owe(Step step);
  void follow_clock();
  void tell_leaving();
  void tell_watchers();
  void take_returned();
  void untold(assign::HomeIndex home, std::size_t clients, const std::string& why);
  void told(assign::HomeIndex home, std::span<const sip::ClientKey> sticky);
  void wave(double seconds);
  [[nodiscard]] bool may_set_out();
  [[nodiscard]] double pace_towards(assign::HomeIndex home, double seconds);
  void fill_donors(const Plan& plan, double seconds);
  [[nodiscard]] std::vector<Step*> next_wave(double seconds);
  [[nodiscard]] std::vector<Reception> receptions();
  void give_up_closed(const std::vector<Reception>& receptions);
  void note_waiting(Plan& plan, const std::vector<Reception>& receptions);
  [[nodiscard]] Wave sort_out(const std::vector<Step*>& chosen);
  [[nodiscard]] Expected<void> set_out(std::vector<Step*>& chosen);
  [[nodiscard]] Expected<Wave> commit(const std::vector<Step*>& chosen);
  void let_be(const std::vector<Step*>& staying);
  void set_out_done(const std::vector<Step*>& chosen);
  void take_back(const std::vector<Step*>& chosen, const std::string& trouble);
  void leave_committed(const std::vector<Step*>& chosen);
  [[nodiscard]] bool plan_again(Step& step);
  void end_plans();
  Step& keep(Step step);
  void forget(const Step& step);
  void close(std::uint32_t plan);
  [[nodiscard]] Step* find(const sip::ClientKey& key, bool is_slot) const;
  void save(std::span<const Step* const> changed, std::span<const Step* const> over);
  void save_and_forget(std::span<const Step* const> changed, std::span<const Step* const> over);
  [[nodiscard]] Plan& plan_of(const Step& step);
  [[nodiscard]] bool is_under_way(const Step& step);
  [[nodiscard]] Expected<Plan*> named(std::uint32_t id);
  [[nodiscard]] Expected<void> write_apart(std::unique_lock<std::mutex>& lock, const Plan& plan, std::span<const Step* const> changed,
                                           std::span<const Step* const> over);
  [[nodiscard]] std::unique_lock<std::mutex> lock_plans();
  void withdraw_proposed();
  void show(const Step& step, const assign::Move& move);
  [[nodiscard]] std::string name_of(assign::HomeIndex home);

  site::Commons& commons_;
  control::Loop& loop_;
  control::Placements& placements_;
  TellWatchers tell_;
  Hindrance hindrance_;
  Guests guests_;
  std::unique_ptr<Ledger> ledger_;  // null: nothing can be kept, so nothing is moved
  std::unique_ptr<Herald> herald_;  // while the mover runs
  std::thread thread_;

  std::mutex by_hand_;  // one client is placed by hand at a time; before mutex_
  mutable std::mutex mutex_;  // of all below; steps that are not planned are changed by the mover's own thread alone
  std::condition_variable wake_;
  bool is_writing_{};  // a plan whole, with the lock let go: no move begins or ends meanwhile, and no plan is touched
  bool is_resumed_{};  // what was restored is where it is worked on
  std::condition_variable changeable_;  // of these two
  bool stopping_{};
  MoverSettings settings_;
  std::vector<Plan> plans_;  // ascending by id
  std::uint32_t next_plan_{1};
  Plan no_plan_;  // of steps by hand: never shown
  std::unordered_map<base::Hash128, assign::HomeIndex, KeyHash> turned_;  // clients on their way whom the operator has placed elsewhere meanwhile
  std::vector<assign::Confirmation> arrived_;  // that other nodes have seen, and not yet heard of here
  std::vector<assign::Confirmation> seen_;  // by this node, and not yet told to the others
  std::uint64_t wave_again_ms_{};  // in a fleet: no wave before
  double waited_s_{};  // since the last wave
  std::vector<Step> proposed_;  // of the last plan, while that is proposed
  std::unordered_map<base::Hash128, std::unique_ptr<Step>, KeyHash> clients_;  // planned or committed
  std::size_t next_bucket_{};  // of clients_, whose steps end_homeless() looks at next
  std::unordered_map<std::size_t, std::unique_ptr<Step>> slots_;  // the same, by number
  std::map<Way, std::deque<Step*>> planned_;
  std::vector<Leaving> leaving_;
  std::unordered_map<assign::HomeIndex, std::deque<Step>> owed_;  // settled, watchers not told; by the home before
  std::uint64_t next_owed_{1};
  std::unordered_map<assign::HomeIndex, std::size_t> telling_;  // homes that are being told, and so many at the front of owed_ of which
  std::unordered_map<assign::HomeIndex, Untold> untold_;  // homes that could not be told
  std::unordered_map<std::uint32_t, std::size_t> open_;  // steps that are not over or whose watchers are not told, by plan
  Soonest deadlines_;  // of committed steps
  std::unordered_map<base::Hash128, Rest, KeyHash> rests_;
  Soonest both_;  // ends of Rest::both_until_s
  Soonest rests_ends_;  // Rest::end_s()
  std::int64_t kept_ahead_s_{};  // as write_clock() had it last
  std::set<std::string> joining_;  // as the ledger had them
  Bucket all_;
  std::unordered_map<assign::HomeIndex, Bucket> receivers_, donors_;
  std::unordered_map<assign::HomeIndex, std::unique_ptr<Congestion>> congestion_;  // of receivers
};

}  // namespace viaduct::migration
