// SPDX-License-Identifier: Apache-2.0
// Clients on their way from one home to another: what workers ask while a move is not confirmed. The control core alone writes.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/share/rcu_map.h"
#include "viaduct/share/slots.h"

namespace viaduct::assign {

/// A client's two homes. The new one is his assigned home: REGISTER goes there, all else to `previous` until the move is settled. Then all goes to the new
/// one, but a CANCEL, and an ACK without Route, still go to both: the INVITE may have gone to either (RFC 3261 16.11).
struct Move {
  HomeIndex previous{no_home};
  bool is_settled{};
};

/// Seen by a worker, or by the registrar when the home is this node: a home said 2xx to a client's REGISTER while he was on his way.
struct Confirmation {
  ClientKey client;
  HomeIndex home{no_home};
  std::uint8_t aor_bytes{};                       ///< 0: longer than is kept
  std::array<char, UINT8_MAX> aor;                ///< canonical

  Confirmation() = default;
  Confirmation(const ClientKey& who, HomeIndex at, std::string_view name) : client(who), home(at) {
    if (name.size() > aor.size()) return;
    aor_bytes = static_cast<std::uint8_t>(name.size());
    std::ranges::copy(name, aor.begin());
  }
  [[nodiscard]] std::string_view name() const { return {aor.data(), aor_bytes}; }
};

/// Thread: is_any and find from workers; confirm from workers and, numbered behind them, registrar shards, each with its own number; all else from the
/// control core.
class Moves {
 public:
  /// Memory: 8 octets for each client that is expected to move at once, and a quarter of a megabyte for the slots; 64 for each that does.
  Moves(unsigned senders, std::size_t clients_expected);

  /// Whether anybody moves: else nothing of this is looked at.
  [[nodiscard]] bool is_any() const { return count_.load(std::memory_order_acquire) != 0; }
  /// The move that a client is on: his own, or that of his slot when he is placed by it.
  [[nodiscard]] std::optional<Move> find(const ClientKey& key, Layer layer) const;
  /// Tell the control core. Lost when it is far behind: the client's next REGISTER tells it again.
  void confirm(std::size_t sender, const Confirmation& c);

  /// What they have told since. Bounded by `most`.
  [[nodiscard]] std::vector<Confirmation> take(std::size_t most);
  /// From now on, or from now on otherwise. Visible before the assignment is changed, or a message could miss it.
  void set(const ClientKey& key, const Move& move);
  /// The client is at his new home alone. Nothing when he is on no move of his own.
  void end(const ClientKey& key);
  /// The same for all clients of a slot who have no entry and no move of their own. no_home: it is over.
  void set_slot(std::size_t slot, HomeIndex previous);
  /// Now and then: free what no worker can hold any more. Never waits.
  void reclaim(share::Epoch& epoch) { clients_.reclaim(epoch); }
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  struct Node {
    using Owner = std::unique_ptr<Node>;
    base::Hash128 key;
    std::atomic<Node*> chain{};
    Move move;
  };

  share::RcuMap<Node> clients_;
  std::vector<std::atomic<HomeIndex>> slots_;   // previous home by slot; no_home: it does not move
  std::vector<std::unique_ptr<share::Slots<Confirmation>>> confirmations_;   // one a sender
  std::atomic<std::size_t> count_{0};           // of both; release by the control core after the first is there, acquire by workers
};

}  // namespace viaduct::assign
