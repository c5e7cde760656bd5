// SPDX-License-Identifier: Apache-2.0
// Which rows are to be written: each once, the longest unsaved first. What they say is known to whoever has the things that are kept.
#pragma once
#include <algorithm>
#include <deque>
#include <unordered_map>
#include <vector>

#include "viaduct/base/hash.h"
#include "viaduct/store/row_state.h"

namespace viaduct::store {

/// What came and went between two takings has no row. Memory: whether anything is taken or not, of the things there are and of the rows in the store alone.
/// Thread: one.
class Unsaved {
 public:
  /// A thing has changed, or has begun.
  void note(const base::Hash128& key, RowState& row) {
    if (row.is_unsaved) return;
    row.is_unsaved = true;
    if (gone_.empty() || !is_back(key, row)) keys_.push_back(key);
  }
  /// A thing is gone, of which this was known.
  void lose(const base::Hash128& key, RowState row) {
    if (!row.is_unsaved && !row.is_stored) return;
    if (!row.is_unsaved) keys_.push_back(key);
    gone_[key] = row.is_stored;
    if (!row.is_stored && ++rowless_ > keys_.size() / 2) drop_rowless();
  }
  /// Up to so many of them; of a thing that is among them the caller sets `taken`, of one that is gone the row goes.
  [[nodiscard]] std::vector<base::Hash128> take(std::size_t most) {
    std::vector<base::Hash128> out;
    out.reserve(std::min(most, keys_.size()));
    for (; out.size() < most && !keys_.empty(); keys_.pop_front())
      if (gone_.empty() || !is_rowless(keys_.front())) out.push_back(keys_.front());
    if (!gone_.empty())
      for (const base::Hash128& key : out) gone_.erase(key);
    return out;
  }
  static constexpr RowState taken{.is_unsaved = false, .is_stored = true};

 private:
  struct KeyHash {
    std::size_t operator()(const base::Hash128& key) const noexcept { return key.low; }   // it is a keyed hash already
  };

  /// Whether it is among the keys still, since it had gone unsaved.
  bool is_back(const base::Hash128& key, RowState& row) {
    const auto at = gone_.find(key);
    if (at == gone_.end()) return false;
    row.is_stored = at->second;
    rowless_ -= row.is_stored ? 0 : 1;
    gone_.erase(at);
    return true;
  }
  bool is_rowless(const base::Hash128& key) {
    const auto at = gone_.find(key);
    if (at == gone_.end() || at->second) return false;
    gone_.erase(at);
    --rowless_;
    return true;
  }
  /// No more than half of the keys are of such: each costs a step or two.
  void drop_rowless() {
    std::erase_if(keys_, [this](const base::Hash128& key) { return is_rowless(key); });
  }

  std::deque<base::Hash128> keys_;
  std::unordered_map<base::Hash128, bool, KeyHash> gone_;   // those of keys_ whose things are no more: whether the store has a row
  std::size_t rowless_{};
};

}  // namespace viaduct::store
