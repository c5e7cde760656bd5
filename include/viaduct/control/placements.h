// SPDX-License-Identifier: Apache-2.0
// Placing clients by name: from the assignments file, and by the operator. The one place where AoRs become entries of the assignment.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/config/config.h"
#include "viaduct/site/post.h"

namespace viaduct::control {

/// A client as the operator named him.
struct Client {
  std::string aor;   ///< canonical
  sip::ClientKey key;
};

/// The client that a text names: `sip:alice@example.com`, or `alice@example.com`. Errors: why it names none.
[[nodiscard]] std::expected<Client, std::string> client_named(std::string_view text, const site::Site& site);

/// Thread: the control core's.
class Placements {
 public:
  explicit Placements(site::Commons& commons) : commons_(commons) {}
  /// Rows of the assignments file, checked against a site and turned into changes. Errors: file:line: why; nothing is applied.
  [[nodiscard]] static std::expected<std::vector<assign::Change>, std::string> changes_from(const config::Config& config, const site::Site& site);
  /// Make the file's placements those of `changes`: rows that are gone since the last time lose their entry. Returns how many entries changed hands.
  std::size_t apply_file(const std::vector<assign::Change>& changes);
  /// Place one client. Errors: no such home, no such client.
  [[nodiscard]] std::expected<Client, std::string> assign(std::string_view aor, std::string_view home, bool pin);
  [[nodiscard]] std::expected<Client, std::string> unassign(std::string_view aor);

 private:
  struct KeyHash {
    std::size_t operator()(const sip::ClientKey& k) const { return k.low; }
  };
  site::Commons& commons_;
  std::unordered_set<sip::ClientKey, KeyHash> from_file_;
};

}  // namespace viaduct::control
