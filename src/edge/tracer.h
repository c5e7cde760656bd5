// SPDX-License-Identifier: Apache-2.0
// Copies of packets for operators who trace a client or a prefix.
#pragma once
#include <cstdint>
#include <span>

#include "job.h"
#include "viaduct/site/trace.h"

namespace viaduct::edge {

/// A bit a trace of site::Traces.
using TraceSet = std::uint32_t;
static_assert(base::traces_max <= 32);

/// The traces that want a judged packet: by its source, where it goes, or the clients that it names.
[[nodiscard]] TraceSet wanted_by(const site::Traces& traces, const Job& job, const Site& site);

/// When a packet is copied.
enum class Copy : std::uint8_t { received, sent };

/// Who wants copies of one packet.
struct Tracing {
  const site::Traces& traces;
  TraceSet wanted;
  unsigned worker;
};

/// Copy the packet as it is now into the queue of each trace that wants it; a full queue loses it, counted. Thread: that worker.
void copy_to(const Tracing& tracing, const Job& job, Copy copy);

}  // namespace viaduct::edge
