// SPDX-License-Identifier: Apache-2.0
// What has happened to the contacts of watched clients and is not yet told to all who watch: the difference between two states, kept until the last has heard.
#pragma once
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "viaduct/location/bindings.h"
#include "viaduct/notifier/reginfo.h"

namespace viaduct::notifier {

/// One contact after one change.
struct ContactChange {
  std::uint64_t id{};
  std::string uri, instance;
  ContactState state{};
  ContactEvent event{};
  std::uint16_t q_milli{};
  std::uint32_t cseq{};
  std::uint32_t added_at_s{};
  std::uint32_t expires_at_s{};   ///< of an active one
};

/// The same for the same device and flow, or the same URI, on every node and after a restart: the `id` of a contact (RFC 3680 5.1).
[[nodiscard]] std::uint64_t contact_id(const assign::BindingText& binding, const base::Key128& seed);

/// Whether the operator has made it, and no REGISTER has touched it since.
[[nodiscard]] inline bool is_created(const assign::Binding& b) { return b.call_hash == 0 && b.branch_hash == 0 && b.cseq == 0; }

/// What a change of bindings is to a watcher; nothing, when only what he does not see has changed. Source: RFC 3680 4.7.1.
[[nodiscard]] std::vector<ContactChange> difference(const location::BindingsChange& change, const base::Key128& seed);

/// As a body shows it.
[[nodiscard]] ReginfoContact shown(const ContactChange& change, std::uint64_t now_s);
/// A binding in a body of full state.
[[nodiscard]] ReginfoContact shown(const assign::BindingText& binding, const base::Key128& seed, std::uint64_t now_s);

/// A client's changes, in their order, until no subscription refers to them.
struct ChangeLog {
  std::vector<ContactChange> entries;
  std::size_t readers{};
};

using ChangeLogs = std::unordered_map<location::ClientKey, ChangeLog, location::ClientKeyHash>;

/// The entries from `from` on, of each contact the latest. Shape: borrows from them.
[[nodiscard]] std::vector<ReginfoContact> latest(const ChangeLog& log, std::size_t from, std::uint64_t now_s);

}  // namespace viaduct::notifier
