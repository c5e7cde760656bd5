// SPDX-License-Identifier: Apache-2.0
// Every bound of the product in one place: its unit, its reason and its source. Nothing else lives here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace viaduct::base {

/// Largest SIP message served, octets: above any REGISTER or INVITE seen in the field (IMS 1,800), below what a UDP reflector would like.
inline constexpr std::size_t message_bytes_max = 8192;
/// Header lines of one message after unfolding: RFC 4475 3.1.1.7 has 34 Vias beside its other headers; three times that is abuse.
inline constexpr std::size_t header_lines_max = 128;
/// Octets of one header line with its folds: an Authorization or a Contact with GRUU stays below 1,000.
inline constexpr std::size_t header_bytes_max = 4096;
/// Via values of one message: RFC 3261 16.3 lets 70 hops pass; 64 keeps the count in seven bits.
inline constexpr std::size_t via_values_max = 64;
/// Parameters of one From, To, Contact or Via value: those of RFC 3261 and its extensions are some ten; three times that is abuse.
inline constexpr std::size_t header_params_max = 32;
/// Contact values of one REGISTER: RFC 3261 sets none; more bindings than this in one request is abuse.
inline constexpr std::size_t contact_values_max = 16;
/// Octets of a canonical AoR: a user part of 128 octets fully escaped (384), `@`, and a DNS name (253, RFC 1035 2.3.4).
inline constexpr std::size_t aor_bytes_max = 640;
/// Octets of a URI compared part by part (RFC 3261 19.1.4); a longer one equals only itself: comparing takes the square of the parameters.
inline constexpr std::size_t uri_compare_bytes_max = 1024;
/// Octets of a Contact's URI that a registrar keeps: it becomes a Request-URI, and must leave room for the rest of what a forward inserts.
inline constexpr std::size_t contact_uri_bytes_max = 512;
/// Octets of the Path values of one registration: four hops with a token each over IPv6 (RFC 3327).
inline constexpr std::size_t path_bytes_max = 640;
/// Seconds for which an INVITE may be pending: Timer C of a proxy is more than three minutes (RFC 3261 16.6 step 11). When the place that a client's requests
/// go to changes, CANCELs and ACKs also go to the one before for so long.
inline constexpr std::uint32_t invite_pending_s_max = 180;
/// Seconds for which a nonce may be answered: a retransmitted answer, and a slow user agent, fit in.
inline constexpr std::uint32_t nonce_s = 60;
/// Milliseconds between two writes of changed bindings to the store: what a crash may lose, with what a write takes.
inline constexpr std::uint64_t bindings_kept_every_ms = 500;
/// Bindings made ready for such a write in one round of the registrar, some 0.3 ms.
inline constexpr std::size_t bindings_kept_a_round = 512;
/// Bindings in one such write: 30 MB in memory.
inline constexpr std::size_t bindings_kept_at_once = 100'000;
/// Packets taken from a queue at once: the stages' prefetches hide a memory miss from 16 up; 64 still fits the caches.
inline constexpr std::size_t burst_pkts_max = 64;
/// Poll-mode workers of one node: the counters' arrays and the RCU variable are sized by it.
inline constexpr std::size_t workers_max = 64;
/// Shards of one node's registrar: the RCU variable is sized by it, behind the workers.
inline constexpr std::size_t shards_max = 64;
/// Cores of one node, with the control core: DPDK as Debian builds it knows so many lcores (RTE_MAX_LCORE).
inline constexpr std::size_t cores_max = 128;
/// Addresses and ports of one node: tokens, bindings and subscriptions name theirs in eight bits. What two of them make is prebuilt for each pair, 6 MB.
inline constexpr std::size_t listeners_max = 256;
/// REGISTERs that a shard does in a row, some 0.2 ms with digest; then timers, the operator, and what else its core does have their turn.
inline constexpr std::size_t registrations_a_round = 32;
/// Homes of one fleet: the home field of a table entry is 16 bits, and 0xffff means none.
inline constexpr std::size_t homes_max = 65535;
/// Octets of a home's name: it stands in assignments, in the store, and may be the host name of its server.
inline constexpr std::size_t home_name_bytes_max = 64;
/// Slots of the default assignment: 131 a home at 1,000 homes, 1 MiB in all (design: 2^17).
inline constexpr std::size_t slots_count = std::size_t{1} << 17;
/// Bits of a client's key in an entry of the assignment table: with home and flags they fill one atomic word.
inline constexpr unsigned entry_tag_bits = 40;
/// Entries that a look-up compares at most: eight lines of five.
inline constexpr std::uint64_t entries_per_find_max = 40;
/// A client who was never inserted is taken for one who was when one of the entries that he is compared with has his tag. Tags are bits of a keyed hash, so
/// each agrees with a chance of 2^-40 (tag 0 is stored as 1, which adds 2^-79), all 40 together with 40/2^40 at most: one client in 27 thousand million. Most are
/// compared with five entries, not 40. (Two clients who were both inserted are told apart exactly.)
inline constexpr std::uint64_t clients_per_false_tag_min = (std::uint64_t{1} << entry_tag_bits) / entries_per_find_max;
/// Clients between two homes at once, for whom memory is laid out: a percent of ten million. More are served as well, a little slower.
inline constexpr std::size_t moves_expected = 100'000;
/// Headroom of a packet buffer, octets: RTE_PKTMBUF_HEADROOM, fixed in Debian's DPDK.
inline constexpr std::size_t headroom_bytes = 128;
/// Data room of an ordinary packet buffer behind the headroom, octets: one Ethernet frame of the common MTU, and an edit's growth.
inline constexpr std::size_t packet_bytes_max = 2048;
/// Data room of a large packet buffer, octets: the largest message, its frame headers, and the largest growth of an edit.
inline constexpr std::size_t large_packet_bytes_max = 9216;
/// The largest VLAN: 0 means none, and 4,095 is reserved (IEEE 802.1Q 9.6).
inline constexpr std::uint16_t vlan_max = 4094;
/// Ports of a node: what four bits tell apart, but for those that mean any.
inline constexpr std::size_t ports_max = 8;
inline constexpr std::size_t port_name_bytes_max = 15;
/// Extension headers of an IPv6 packet: each kind once, destination options twice (RFC 8200 4.1); RFC 8504 5.3 lets a host refuse more.
inline constexpr unsigned ipv6_extensions_max = 5;
/// Octets of an IP packet that fits Ethernet: the MTU unless the configuration has another.
inline constexpr std::size_t mtu_bytes = 1500;
/// The smallest MTU: what every link carries that carries IPv6 (RFC 8200 5).
inline constexpr std::size_t mtu_bytes_min = 1280;
/// The largest MTU: a jumbo frame as NICs have it fits a large buffer.
inline constexpr std::size_t mtu_bytes_max = 9000;
/// Fragments that a datagram in a large buffer is sent in: at the smallest MTU, 1,232 octets each over IPv6.
inline constexpr std::size_t fragments_sent_max = 8;
/// Octets of a datagram's data put together from fragments: with its headers it fits a large buffer.
inline constexpr std::size_t datagram_bytes_max = large_packet_bytes_max - 14 - 60;
/// Datagrams of which a worker keeps fragments at once. Each holds up to seven buffers; the configured buffers bound it further (datagrams_per_buffer).
inline constexpr unsigned fragmented_datagrams_max = 1024;
/// Buffers a worker may keep fragments in, at the worst, are a quarter of the configured ones: seven a datagram, of all workers.
inline constexpr unsigned buffers_per_fragmented_datagram = 4 * 7;
/// Routes taken from the kernel: those of a host with its policies, not of a router of the Internet. Laying them out takes a millisecond.
inline constexpr std::size_t kernel_routes_max = 4096;
/// How soon after one reading of the kernel's routes the next may begin: reading 4,096 takes some 5 ms of the control core.
inline constexpr std::uint64_t kernel_routes_pause_ms = 100;
/// How long fragments wait for the others: those of one datagram follow each other, and SIP repeats a request after 0.5, 1, 2 and 4 s. RFC 1122 3.3.2
/// asks for a minute, for applications that do not repeat; here memory is worth more.
inline constexpr std::uint64_t fragments_wait_ms = 2'000;

/// Time within which the same Call-ID on another branch is proxied instead of redirected again: 64 * T1, RFC 3261 17.1.2.2 timer F.
inline constexpr std::uint32_t redirect_guard_ms = 32'000;
/// Time for which a redirect is remembered, to learn from the next REGISTER whether it was followed: twice the usual hour of a registration.
inline constexpr std::uint32_t redirect_kept_ms = 7'200'000;
/// Octets by which a 3xx, 4xx or 5xx may exceed the request it answers, so that a spoofed source gains nothing.
inline constexpr std::size_t reply_growth_bytes_max = 200;

/// Screening rules of one node, shipped ones included: sites that list bad User-Agents have hundreds; the scratch lists of a worker are sized by it.
inline constexpr std::size_t screen_rules_max = 8192;
/// Octets of one regular expression of a rule: Hyperscan's own limit is 16,000; nobody reads one of a thousand.
inline constexpr std::size_t screen_pattern_bytes_max = 1024;

/// How long a source that got a home's 2xx to its REGISTER is no stranger, ns: the longest registration (two hours), after which it must come again.
inline constexpr std::uint64_t welcome_ns = std::uint64_t{7200} * 1'000'000'000;
/// Bounds of the time over which those are spread who come back after a move, seconds: RFC 3680 4.4 has subscriptions of about an hour, which come by themselves.
inline constexpr std::uint32_t move_within_s_min = 60;
inline constexpr std::uint32_t move_within_s_max = 3600;
/// Clients of whom watchers are told in one turn of a shard: at the 32 subscriptions that one may have, some 3 ms.
inline constexpr std::size_t moves_a_turn = 256;
/// Retry-After of a 503 to who is over a limit, seconds: above the 32 s of a transaction on average, spread so that those who wait do not come back together.
inline constexpr unsigned retry_after_s_min = 10;
inline constexpr unsigned retry_after_s_max = 120;
/// Units that a limit's bucket may hold: at the slowest rate, one a second, its debt stays below 2^63 ns.
inline constexpr std::uint64_t limit_burst_max = 1'000'000'000;
/// The fastest rate of a limit, units a second: 10 ns each, so that whole nanoseconds are exact to a tenth.
inline constexpr std::uint64_t limit_rate_max = 100'000'000;

/// Requests to homes of which a worker times one, on average: 17 octets more in it, and some fifty instructions.
inline constexpr std::uint32_t requests_a_mark = 16;
/// Answers to such requests that a worker remembers, so that none counts twice: a power of two; at 1,000 a second those of a second.
inline constexpr std::size_t marks_remembered = 1024;

/// For how long a home's word about its overload holds when it does not say, ms: RFC 7339 4.3.
inline constexpr std::uint32_t overload_validity_ms = 500;
/// The longest time that it may say: it is asked again with every answer, and who asks for silence gives none.
inline constexpr std::uint32_t overload_validity_ms_max = 3'600'000;
/// The highest rate that a home may ask for, requests a second: more than a port of 10 Gbit/s carries.
inline constexpr std::uint32_t overload_rate_max = 10'000'000;
/// For how long reports of a home are put in order by their oc-seq, ms: 64 * T1, after which no answer is on its way any more (RFC 3261 17.1.2.2).
inline constexpr std::uint64_t overload_ordered_ms = 32'000;

/// Traces that operators may run at once: each costs every packet a comparison while it runs.
inline constexpr std::size_t traces_max = 4;
/// Copies that a worker keeps for one trace until the operator's thread takes them, every 20 ms: 9,344 octets each, 1.2 MB a worker; beyond 6,400 packets a second some are lost.
inline constexpr std::size_t trace_records = 128;

/// Octets of the URI that names a sampled client: an address-of-record with its parameters stays below; who is named by a longer one is counted without a name.
inline constexpr std::size_t sample_uri_bytes_max = 256;
/// Samples that a worker keeps until the control core takes them: 300 octets each, 0.3 MB a worker; at 20,000 a second they last 50 ms.
inline constexpr std::size_t samples_kept = 1024;
/// Samples of one burst that a worker takes, on average, when every request is to be one: what sampling costs when much comes at once is a few instructions each.
inline constexpr std::size_t samples_a_burst = 2;
/// Samples of all workers that the control core gets a second: some 5 ms of it. Below that, every request of a client is one.
inline constexpr std::uint32_t samples_per_s_max = 20'000;
/// Samples that the control core takes in a row, some 0.1 ms; then everything else there has its turn.
inline constexpr std::size_t samples_a_round = 256;

/// Octets of one change of a fleet's assignment: five million clients of 50 octets. A larger import is made in parts.
inline constexpr std::size_t shared_log_item_bytes_max = std::size_t{256} << 20;
/// Seconds after which a node that has said nothing is taken for gone, and has taken itself for out of date.
inline constexpr std::uint32_t shared_log_away_s = 10;
/// Changes that a fleet's log keeps for nodes that were away: some hours of a large plan, or years of changes by hand.
inline constexpr std::uint32_t shared_log_items_kept = 20'000;
/// Octets of a configuration or profile file: homes_max homes of 200 octets each are 13 MB.
inline constexpr std::size_t config_bytes_max = std::size_t{16} << 20;
/// Octets of one line of an assignments file: an AoR at its largest, fully escaped and quoted, and a home's name.
inline constexpr std::size_t assignment_line_bytes_max = 2048;
/// Octets of one request line on the operator's socket: the largest carries an AoR and a home's name.
inline constexpr std::size_t api_request_bytes_max = std::size_t{64} << 10;
/// Changes of placements that the store's log keeps, 20 octets each: 200 MB on disk, read through in about 0.1 s.
inline constexpr std::size_t history_entries_max = 10'000'000;
/// Batches whose author the store keeps, some 100 octets each.
inline constexpr std::size_t history_batches_max = 1'000'000;
/// Clients in one call from node to node: what a mover moves in half a second, and one turn of the store.
inline constexpr std::size_t node_call_clients_max = 1024;
/// Octets of the body of such a call: so many AoRs, each at its largest and every octet of it escaped.
inline constexpr std::size_t node_call_bytes_max = std::size_t{4} << 20;
/// How far a call's time may lie from the clock of the node that is called, seconds: clocks of a fleet are kept, and calls take milliseconds.
inline constexpr std::uint64_t node_call_window_s = 30;
/// Calls of one window that are remembered so that none is heard twice, some 100 octets each: a thousand a second.
inline constexpr std::size_t node_calls_remembered_max = 65'536;
/// Threads that answer calls of other nodes: each may wait for the store. Half of them at the most for one address.
inline constexpr std::size_t node_call_threads = 16;
/// Connections of other nodes that none of these threads has taken yet, a descriptor each.
inline constexpr std::size_t node_calls_waiting_max = 256;
/// Edges that the directory tells of: so many SRV records with names of forty octets are 4 KB, which resolvers still ask for by UDP.
inline constexpr std::size_t directory_edges_max = 64;
/// Connections on the operator's socket at once: a few people and scripts; what a descriptor costs is small.
inline constexpr std::size_t api_connections_max = 32;

static_assert(large_packet_bytes_max >= message_bytes_max + 512, "the largest message must fit with an edit's growth");
static_assert(fragments_sent_max * ((mtu_bytes_min - 48) / 8 * 8) >= large_packet_bytes_max - 48);
static_assert(large_packet_bytes_max >= mtu_bytes_max + 18 && mtu_bytes_max >= message_bytes_max);
static_assert(via_values_max < 128);
static_assert(clients_per_false_tag_min >= 100 * std::uint64_t{100'000'000},
              "of 100 million clients never inserted, less than one in a hundred tables mistakes one");

}  // namespace viaduct::base
