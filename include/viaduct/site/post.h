// SPDX-License-Identifier: Apache-2.0
// What travels with a packet that a worker hands to another core, and the rings it travels by.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/assign/locations.h"
#include "viaduct/assign/moves.h"
#include "viaduct/assign/watched.h"
#include "viaduct/net/frame.h"
#include "viaduct/nic/nic.h"
#include "viaduct/screen/rules.h"
#include "viaduct/share/counters.h"
#include "viaduct/share/epoch.h"
#include "viaduct/share/published.h"
#include "viaduct/share/ring.h"
#include "viaduct/sip/uri.h"
#include "viaduct/site/fragmenter.h"
#include "viaduct/site/load.h"
#include "viaduct/site/neighbours.h"
#include "viaduct/site/site.h"
#include "viaduct/site/trace.h"
#include "viaduct/site/welcome.h"

namespace viaduct::site {

/// The note on a packet for the registrar or the control core; it lies in the packet buffer, beside the data.
struct Note {
  enum class Kind : std::uint8_t {
    registration,   ///< to_registrar: a REGISTER or SUBSCRIBE for its registrar or notifier, or an answer to its NOTIFY; the packet as received
    sighting,       ///< to_registrar: a copy of a home's 2xx to a REGISTER of a client who is watched here, as received
    frame,          ///< to_control: ARP, ND, echo requests, ICMP errors; which, says frame.kind
    answer,         ///< to_control: a response to a request of the control core's; the packet as received
    unresolved      ///< to_control: ready to send but for the MAC of `next_hop`
  };
  Kind kind{};
  net::Frame frame;            ///< as received
  sip::ClientKey client;       ///< registration, sighting
  base::Endpoint flow;         ///< sighting: where the REGISTER came from, to which its answer goes
  LinkAddress next_hop;        ///< unresolved
  bool is_elsewhere{};         ///< registration: a SUBSCRIBE to a client whose home has this node notify in its place
  std::uint16_t index_at{};    ///< registration: where the message's index lies, from the packet's first octet on; 0: it has none (handed_index.h)
};
static_assert(sizeof(Note) <= nic::note_bytes);

/// All that the cores of a node share; made once before the first poll, outlives every worker. Each member has one writer, named here.
struct Commons {
  const nic::Ports& ports;
  share::Epoch& epoch;
  share::Published<Site>& site;               ///< writer: control core
  share::Published<Neighbours>& neighbours;   ///< writer: control core
  share::Published<screen::Rules>& rules;     ///< writer: control core
  share::Published<Traces>& traces;           ///< writer: control core
  assign::Assignment& assignment;             ///< writer: control core
  assign::Moves& moves;                       ///< writer: control core
  assign::Locations& locations;               ///< writers: registrar shards, each its own
  assign::Watched& watched;                   ///< writers: registrar shards, each its own
  std::vector<std::unique_ptr<share::Ring>>& to_registrar;   ///< workers -> registrar, one a shard
  share::Ring& to_control;                    ///< workers -> control core
  share::Ring& to_kernel;                     ///< workers -> control core: what is not for this node
  share::Ring& to_wire;                       ///< registrar, control core and workers without a queue -> worker 0
  std::vector<std::unique_ptr<share::Ring>>& to_worker;   ///< worker -> worker, by flow, where the device has fewer queues
  std::vector<share::Counters>& counters;     ///< one a worker, its own
  Load& load;                                 ///< workers, each its own part; the control core reads
  std::atomic<std::uint32_t>& now_min;        ///< minutes since 1970; writer: control core; relaxed, nothing hangs on its order
  Identifications& identifications;           ///< of fragmented datagrams; any core
  bool has_exception_path;                    ///< false: what is not for this node is dropped
  std::size_t mtu_bytes;                      ///< octets of an IP packet
  Welcome& welcome;                           ///< sources that have registered; workers
  unsigned fragmented_datagrams_max;          ///< that a worker keeps fragments of
  std::atomic<bool>& stop;                    ///< set once by the control core; relaxed
};

}  // namespace viaduct::site
