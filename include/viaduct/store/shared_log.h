// SPDX-License-Identifier: Apache-2.0
// The changes of a fleet in one order, kept where all its nodes reach them, and who its nodes are. One interface; etcd.h opens what is behind it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viaduct/base/hash.h"
#include "viaduct/store/store.h"

namespace viaduct::store {

/// One change, in the form that its maker gave it.
struct LogItem {
  std::uint32_t number{};
  std::string octets;
};

/// A node that is there, or was some seconds ago.
struct Attendant {
  std::string name;
  std::string says;   ///< what it last said of itself
  bool operator==(const Attendant&) const = default;
};

/// What there is.
struct Tail {
  base::Hash128 mark;                  ///< which log this is: another one at the same place has another
  std::uint32_t first{}, last{};       ///< the numbers that are kept; `last` is `first` - 1 when none is
  std::vector<LogItem>
      items;          ///< ascending, from the number behind the one that was asked for; not all of them when they are many. None when the next one is gone
  std::vector<Attendant> nodes;        ///< by name
  std::string leader;                  ///< a node's name; empty: nobody leads
};

/// What became of a change.
enum class Appended : std::uint8_t {
  done,
  overtaken,   ///< its number is taken by another change
  reserved,    ///< another node makes one that takes long: not before that is done
  not_leading, ///< it was only to be made by who leads, and this node does not, or not any more
};

/// Errors: unreachable when no server answers in time, and then nobody knows whether what was asked for was done; failed when one refuses, corrupt when what
/// stands there cannot be read. Thread: any; calls wait for each other, each some seconds at the most.
class SharedLog {
 public:
  virtual ~SharedLog() = default;
  /// Begin the log, whose first change will have this number. False: there is one already, with another
  /// mark. Shape: `first` above 0.
  [[nodiscard]] virtual Result<bool> found(const base::Hash128& mark, std::uint32_t first) = 0;
  /// What has been changed since, as a majority of the servers has it now. nullopt: there is no log yet.
  [[nodiscard]] virtual Result<std::optional<Tail>> read(std::uint32_t after) = 0;
  /// Make a change the next one, if it is; all or nothing, also where it takes several writes. Asked again with the same number and octets after an error, it is
  /// done once. Shape: octets up to shared_log_item_bytes_max.
  [[nodiscard]] virtual Result<Appended> append(const LogItem& item, bool only_as_leader) = 0;
  /// Nobody else's change is made before release(), as long as this node attends: for one that takes so long that others are quicker again and again. Returns
  /// whether it is so; false: another node has reserved it. Shape: after attend.
  [[nodiscard]] virtual Result<bool> reserve() = 0;
  virtual void release() = 0;
  /// Forget changes below this number, but never the last one. Bounded work a call: called again while `first` is below it.
  [[nodiscard]] virtual Result<void> trim(std::uint32_t before) = 0;
  /// Be there, and say so: to be called every few seconds, or this node is taken for gone (shared_log_away_s). Errors: in_use too, while another process
  /// of the same name is there, or was.
  [[nodiscard]] virtual Result<void> attend(const std::string& says) = 0;
  /// Lead, unless another node does; as long as this one attends. Returns whether it leads. Shape: after attend.
  [[nodiscard]] virtual Result<bool> lead() = 0;
  /// Be gone, at once: whoever waits for the lead has it.
  virtual void leave() = 0;
  /// Whatever waits gives up, and nothing is asked any more but leave().
  virtual void stop() = 0;
};

}  // namespace viaduct::store
