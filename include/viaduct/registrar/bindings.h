// SPDX-License-Identifier: Apache-2.0
// The bindings of a local home: RFC 3261 10.3 over one shard's clients. No packets, no clock of its own: the shard gives the time.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/hash.h"
#include "viaduct/sip/message.h"

namespace viaduct::registrar {

using ClientKey = base::Hash128;

/// Bounds and defaults of expiry, seconds, and of bindings per AoR.
struct Rules {
  std::uint32_t expires_default_s{3600};
  std::uint32_t expires_min_s{60};
  std::uint32_t expires_max_s{7200};
  std::uint32_t bindings_per_aor_max{10};
  std::size_t bindings_max{1'000'000};
};

/// What a REGISTER came to: the status, and the header lines of its answer.
struct Outcome {
  std::uint16_t status{};          ///< 200, 400, 403 (too many bindings), 423, 500, 503
  sip::Bad fault{sip::Bad::none};  ///< for 400
  std::string headers;             ///< Contact lines with remaining expires, Min-Expires, Retry-After; each with CRLF
};

/// A binding as an operator sees it.
struct BindingView {
  std::string contact;
  std::uint32_t expires_in_s{};
  base::Endpoint flow;
  std::string call_id;
  std::uint32_t cseq{};
};

/// One shard's bindings. Thread: its shard's.
class Bindings {
 public:
  explicit Bindings(const Rules& rules);
  ~Bindings();
  /// Process one REGISTER (indexed without fault). `canonical` is its client's canonical AoR, `now_s` a monotonic clock in seconds.
  /// All or nothing: on a status other than 200 nothing has changed. The same (Call-ID, CSeq, branch) again is a retransmission and is answered alike.
  Outcome process(const sip::Message& request, std::string_view canonical, const ClientKey& key, const base::Endpoint& flow, std::uint64_t now_s);
  /// Drop what has expired; cost bounded by what is due.
  void expire(std::uint64_t now_s);
  [[nodiscard]] std::vector<BindingView> of(const ClientKey& key, std::uint64_t now_s) const;
  [[nodiscard]] std::size_t clients() const;
  [[nodiscard]] std::size_t bindings() const;
  void set_rules(const Rules& rules);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::registrar
