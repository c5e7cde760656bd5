// SPDX-License-Identifier: Apache-2.0
// Where the directory is asked: PowerDNS's remote backend by a Unix socket, everybody by HTTP.
#pragma once
#include <expected>
#include <memory>
#include <string>

#include "viaduct/api/verbs.h"

namespace viaduct::api {

/// HTTP: GET /v1/edges?domain=DOMAIN, GET /v1/home?aor=AOR; docs/operations.md says what is answered.
class DirectoryServer {
 public:
  /// Shape: the plant has names. Who connects waits until it serves. Errors: a socket or an address cannot be had.
  [[nodiscard]] static std::expected<std::unique_ptr<DirectoryServer>, std::string> open(const config::DirectoryAccess& access, const Plant& plant);
  /// Answer from now on, on threads of its own. Called once.
  void serve();
  ~DirectoryServer();  ///< waits for what is being answered

 private:
  struct Impl;
  explicit DirectoryServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::api
