// SPDX-License-Identifier: Apache-2.0
// The log and its nodes, as transactions of etcd.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "etcd_call.h"
#include "etcd_rows.h"

namespace viaduct::store::etcd {

[[nodiscard]] inline std::unexpected<Error> failed(std::string text) { return std::unexpected(Error{Fault::failed, "etcd: " + std::move(text)}); }
[[nodiscard]] inline std::unexpected<Error> corrupt(std::string text) { return std::unexpected(Error{Fault::corrupt, "etcd: " + std::move(text)}); }

class Log final : public SharedLog {
 public:
  explicit Log(EtcdOptions options) : node_(options.node), identity_(options.identity), keys_(options.prefix), calls_(options) {}
  [[nodiscard]] Result<void> check() const { return calls_.check(); }

  [[nodiscard]] Result<bool> found(const base::Hash128& mark, std::uint32_t first) override;
  [[nodiscard]] Result<std::optional<Tail>> read(std::uint32_t after) override;
  [[nodiscard]] Result<Appended> append(const LogItem& item, bool only_as_leader) override;
  [[nodiscard]] Result<bool> reserve() override;
  void release() override;
  [[nodiscard]] Result<void> trim(std::uint32_t before) override;
  [[nodiscard]] Result<void> attend(const std::string& says) override;
  [[nodiscard]] Result<bool> lead() override;
  void leave() override;
  void stop() override { calls_.stop(); }

 private:
  /// What this node knows of itself and of the log.
  struct Known {
    std::int64_t lease{};           // 0: none
    std::optional<std::string> says;  // as its row has it
    std::int64_t leading{-1};       // the revision that made the lead ours: none has this one
    std::int64_t reserving{};       // the same of the reservation; 0: it is not ours
    bool must_release{};            // whoever had it has done, and no server has heard of that
    std::string mark;               // the log's, as its row has it; empty before it was read
  };
  struct Transaction {
    std::vector<json> compare, success, failure;
  };

  [[nodiscard]] Result<json> ask(const char* target, const json& request);
  [[nodiscard]] Result<Outcome> transact(const Transaction& transaction);

  [[nodiscard]] Result<std::optional<Tail>> read_once(std::uint32_t after, bool& is_torn);
  [[nodiscard]] Result<void> read_items(std::vector<Row>&& rows, std::uint32_t after, Tail& tail, bool& is_torn);
  [[nodiscard]] Result<std::string> read_parts(std::uint32_t number, const Head& head, bool& is_torn);

  [[nodiscard]] std::vector<json> standing() const;
  [[nodiscard]] Result<std::optional<Appended>> judge(const Outcome& outcome, const LogItem& item, const Head& head, bool only_as_leader,
                                                      const Known& mine) const;
  [[nodiscard]] Result<std::optional<Appended>> write_parts(const LogItem& item, const Head& head, bool only_as_leader);
  [[nodiscard]] Result<Appended> append_row(const LogItem& item, const Head& head, bool only_as_leader);

  [[nodiscard]] Result<std::optional<std::int64_t>> hold(const std::string& key);
  void give_back();
  [[nodiscard]] Result<void> keep_lease();
  [[nodiscard]] Result<void> say(const std::string& says);

  [[nodiscard]] Known known() const {
    const std::lock_guard lock(mutex_);
    return known_;
  }
  template <typename F>
  void know(F f) {
    const std::lock_guard lock(mutex_);
    f(known_);
  }

  const std::string node_, identity_;
  const Keys keys_;
  Calls calls_;
  std::mutex attending_;       // one of attend, lead, reserve, release and leave at a time
  mutable std::mutex mutex_;
  Known known_;
};

}  // namespace viaduct::store::etcd
