// SPDX-License-Identifier: Apache-2.0
// What operators want to see of the traffic: whose packets, and the queues by which workers hand over copies of them.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/limits.h"
#include "viaduct/base/verdict.h"
#include "viaduct/share/counters.h"
#include "viaduct/share/slots.h"
#include "viaduct/sip/uri.h"

namespace viaduct::site {

/// A copy of one frame, and what became of it.
struct TraceRecord {
  std::uint64_t at_ticks{};          ///< of the time-stamp counter
  bool is_sent{};                    ///< as it leaves; else as it came
  base::Verdict verdict{};
  base::Drop drop{};                 ///< when dropped
  std::string_view reason;           ///< the sentence of the judgement; it is static
  std::uint32_t bytes{};             ///< of the frame
  std::uint32_t kept_bytes{};        ///< of them: in `octets`
  std::array<std::uint8_t, base::large_packet_bytes_max> octets;
};

/// One operator's question. Thread: the filter is immutable; each worker writes its own queue and counter, the operator's thread reads all.
struct Trace {
  std::optional<sip::ClientKey> client;   ///< who is in From, To or Request-URI
  std::optional<base::Prefix> prefix;     ///< or: where a packet comes from or goes to
  struct alignas(64) Worker {
    share::Slots<TraceRecord> records{base::trace_records};
    share::Counter lost;                  ///< copies that the queue had no room for
  };
  std::vector<std::unique_ptr<Worker>> workers;
};

/// Those of the moment; empty nearly always. Thread: immutable once published; the traces themselves live as long as anybody holds them.
using Traces = std::vector<std::shared_ptr<Trace>>;

}  // namespace viaduct::site
