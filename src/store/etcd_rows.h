// SPDX-License-Identifier: Apache-2.0
// The rows of a fleet's log in etcd, below PREFIX/. Pure.
//
//   mark                    JSON: which log it is, the number of its first item, format 1
//   last                    the last item's number, decimal
//   log/NUMBER              JSON line: octets, parts, checksum, id; behind it the item, unless it is in parts. NUMBER has ten digits
//   part/NUMBER/ID/INDEX    a part of an item: part_bytes of it, the last one what is left. INDEX has four digits
//   node/NAME               a line: the process's identity; behind it what it says of itself; on the node's lease
//   leader                  the name of the node that leads; on the node's lease
//   reserved                the name of the node whose change is awaited; on the node's lease
// An item's ID is made of its octets and of who appends it, so that he knows his own again. The checksum is bound to number and ID.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "viaduct/base/hash.h"
#include "viaduct/store/shared_log.h"

namespace viaduct::store::etcd {

/// Octets of an item up to which it stands in its row: as many as a reader is to have of sixteen in one answer.
inline constexpr std::size_t inline_bytes_max = std::size_t{64} << 10;
/// Octets of a part: etcd takes 1.5 MiB a request (--max-request-bytes).
inline constexpr std::size_t part_bytes = std::size_t{1} << 20;

/// The names of rows.
class Keys {
 public:
  explicit Keys(std::string_view prefix) : root_(std::string(prefix) + '/') {}
  [[nodiscard]] std::string mark() const { return root_ + "mark"; }
  [[nodiscard]] std::string last() const { return root_ + "last"; }
  [[nodiscard]] std::string leader() const { return root_ + "leader"; }
  [[nodiscard]] std::string reserved() const { return root_ + "reserved"; }
  [[nodiscard]] std::string nodes() const { return root_ + "node/"; }
  [[nodiscard]] std::string node(std::string_view name) const { return nodes().append(name); }
  [[nodiscard]] std::string items() const { return root_ + "log/"; }
  /// Shape: up to one beyond the largest number.
  [[nodiscard]] std::string item(std::uint64_t number) const;
  [[nodiscard]] std::string parts() const { return root_ + "part/"; }
  [[nodiscard]] std::string parts(std::uint64_t number) const;
  [[nodiscard]] std::string parts(std::uint32_t number, std::string_view id) const;
  [[nodiscard]] std::string part(std::uint32_t number, std::string_view id, std::uint32_t index) const;
  /// The number in the name of a row of items() or parts(). Errors: nullopt.
  [[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view key) const;

 private:
  std::string root_;
};

struct Mark {
  base::Hash128 log;
  std::uint32_t first{};
};
[[nodiscard]] std::string text_of(const Mark& mark);
/// Errors: corrupt; format, when a later build has made it.
[[nodiscard]] Result<Mark> mark_of(std::string_view text);

/// What an item's row says of it.
struct Head {
  std::uint64_t octets{};
  std::uint32_t parts{};      ///< 0: it stands in its row
  std::uint32_t checksum{};
  std::string id;
};
[[nodiscard]] std::string id_of(std::string_view octets, std::string_view node);
[[nodiscard]] Head head_of(const LogItem& item, std::string id);
/// The whole row.
[[nodiscard]] std::string text_of(const Head& head, const LogItem& item);

struct ItemRow {
  Head head;
  std::string_view octets;   ///< empty when it is in parts
};
/// Shape: `row` outlives what is returned. Errors: nullopt when it is none, or says what cannot be.
[[nodiscard]] std::optional<ItemRow> item_row_of(std::string_view row);
/// Whether it is what was appended.
[[nodiscard]] bool is_whole(const Head& head, std::uint32_t number, std::string_view octets);

}  // namespace viaduct::store::etcd
