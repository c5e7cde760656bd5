// SPDX-License-Identifier: Apache-2.0
// One change of a fleet's assignment as its log has it: a batch's homes, slots and clients, and who has arrived at his new home. Octets to and fro; pure.
//
//   head       a line of JSON: version, node, who, why, at_s, sets_out, homes {index: description}, and how many rows there are of each kind
//   slots      u32 slot, u16 home, u16 previous
//   clients    u16 home, u16 previous, u8 flags (1: pin), u16 octets of the canonical AoR, which follow
//   arrivals   u64 low, u64 high of the client's key, u16 home, u8 octets of his canonical AoR, which follow
// Numbers are little endian, as the machine's; 65535 is no home.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/assign/moves.h"
#include "viaduct/store/store.h"

namespace viaduct::control {

/// What an entry says of itself.
struct EntryHead {
  std::string node;                                 ///< who made it
  store::Author author;
  std::uint64_t at_s{};                             ///< seconds since 1970, by that node's clock
  bool sets_out{};                                  ///< who has another home now is at both until the new one has accepted him
  std::map<assign::HomeIndex, std::string> homes;   ///< descriptions, of those that changed
};

struct SlotRow {
  std::uint32_t slot{};
  assign::HomeIndex home{assign::no_home}, previous{assign::no_home};
  bool operator==(const SlotRow&) const = default;
};

struct ClientRow {
  std::string_view aor;                       ///< canonical
  std::optional<assign::HomeIndex> home;      ///< nullopt: back to his slot
  assign::HomeIndex previous{assign::no_home};///< where he was before, by whatever layer
  bool pin{};
};

/// An entry being made. Rows in the order of their kinds: all slots before the first client, all clients before the first arrival.
class EntryWriter {
 public:
  void add(const SlotRow& row);
  void add(const ClientRow& row);
  void add(const assign::Confirmation& arrival);
  /// Octets of the rows so far.
  [[nodiscard]] std::size_t bytes() const { return rows_.size(); }
  /// The whole entry.
  [[nodiscard]] std::string finish(const EntryHead& head) const;

 private:
  std::string rows_;
  std::uint64_t slots_{}, clients_{}, arrivals_{};
};

/// An entry as it was read; it lives no longer than its octets.
class Entry {
 public:
  /// Errors: a sentence; a newer build may have written what this one cannot read. All rows have been looked at then.
  [[nodiscard]] static std::expected<Entry, std::string> read(std::string_view octets);

  [[nodiscard]] const EntryHead& head() const { return head_; }
  [[nodiscard]] std::vector<SlotRow> slots() const;
  [[nodiscard]] std::uint64_t clients() const { return clients_; }
  /// Calls `f` for each client, in the order in which they were added, until it returns false.
  void for_each_client(const std::function<bool(const ClientRow&)>& f) const;
  [[nodiscard]] std::vector<assign::Confirmation> arrivals() const;

 private:
  EntryHead head_;
  std::uint64_t slots_{}, clients_{}, arrivals_{};
  std::string_view slot_rows_, client_rows_, arrival_rows_;
};

}  // namespace viaduct::control
