// SPDX-License-Identifier: Apache-2.0
// The fleet's log in etcd, from 3.4 on, by its JSON gateway.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/store/shared_log.h"

namespace viaduct::store {

struct EtcdOptions {
  std::vector<base::Endpoint> endpoints;  ///< where the servers take clients' requests; at least one
  std::string prefix;                     ///< of all keys
  std::string identity;  ///< which one process at a time has: a row of the same name and identity is an earlier process's; empty: every other is another's
  std::string node;  ///< this node's name, of which there is one in the fleet
  /// PEM files. With `ca` every call is by TLS, and the server's certificate names its address and is signed by one of these; `certificate`, which may be a
  /// chain, and `key` are what this node shows: both or none. Read again for each connection.
  std::filesystem::path ca, certificate, key;
};

/// The servers need not be there. Errors: failed, when a file cannot be used. Shape: the process ignores SIGPIPE, which TLS may cause.
[[nodiscard]] Result<std::unique_ptr<SharedLog>> open_etcd(EtcdOptions options);

}  // namespace viaduct::store
