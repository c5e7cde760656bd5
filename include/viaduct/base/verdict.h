// SPDX-License-Identifier: Apache-2.0
// What can become of a packet: every packet ends in exactly one verdict, every drop in exactly one reason; their names are the counters' names.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace viaduct::base {

// One row a name: enumerator, and what it counts.
#define VIADUCT_VERDICTS(X)                                                               \
  X(redirected, "REGISTERs answered with a redirect to their home")                       \
  X(proxied, "requests forwarded to a home or to a client")                               \
  X(returned, "responses sent back along the Vias")                                       \
  X(registered, "REGISTERs handed to the registrar of this node")                         \
  X(subscribed, "SUBSCRIBEs handed to the notifier of this node")                         \
  X(concluded, "responses to requests of this node itself")                               \
  X(answered, "requests answered by this node itself with a 2xx")                         \
  X(rejected, "requests answered with a 4xx, 5xx or 6xx")                                 \
  X(absorbed, "keep-alives, ACKs and CANCELs of answers of ours")                         \
  X(controlled, "frames handed to the control core: ARP, ND, echo requests, ICMP errors") \
  X(to_kernel, "frames handed to the kernel: not for this node")                          \
  X(collected, "fragments kept until their datagram is whole")                            \
  X(dropped, "packets dropped, by reason below")

#define VIADUCT_DROPS(X)                                                                             \
  X(frame_short, "frame shorter than its headers")                                                   \
  X(frame_truncated, "IP packet longer than its frame: it was cut off")                              \
  X(frame_type, "neither IPv4, IPv6 nor ARP")                                                        \
  X(frame_not_ours, "destination address or port is not ours")                                       \
  X(mac_not_ours, "for an address of ours, but sent to another MAC address than ours")               \
  X(ip_header, "malformed IP header")                                                                \
  X(ip_checksum, "wrong IPv4 header checksum")                                                       \
  X(fragment_invalid, "fragment whose length or place cannot be")                                    \
  X(fragment_misfit, "fragment that overlaps another of its datagram, or is one too many")           \
  X(fragment_table_full, "fragment of one datagram more than are kept")                              \
  X(ip_extension, "IPv6 option that must be understood and is not, or too many extension headers")   \
  X(ip_protocol, "neither UDP nor ICMP that is answered")                                            \
  X(nd_invalid, "Neighbour Discovery from off the link, or broken")                                  \
  X(udp_length, "UDP length disagrees with the packet")                                              \
  X(udp_checksum, "wrong UDP checksum")                                                              \
  X(sip_unanswerable, "not SIP, or a request too broken to be answered")                             \
  X(sip_too_large, "message above message_bytes_max that cannot be answered")                        \
  X(response_foreign, "response whose top Via is not ours or does not verify")                       \
  X(response_malformed, "response that does not parse")                                              \
  X(response_destination, "response whose next Via names no usable destination")                     \
  X(screened, "a screening rule drops it")                                                           \
  X(source_over_limit, "its source sends more than limits.source_pps")                               \
  X(strangers_over_limit, "all strangers together send more than limits.strangers_pps")              \
  X(client_over_limit, "more requests for one client than limits.aor_pps")                           \
  X(reply_over_budget, "answers to its source exceed limits.reply_bytes_per_s")                      \
  X(ack_unrouted, "ACK with no place to go: it is never answered")                                   \
  X(reply_unsafe, "request from an address or port that must not be answered")                       \
  X(assignment_loading, "the client's placement is not yet loaded: his retransmission will find it") \
  X(destination_unreachable, "next hop neither on a prefix of ours nor behind a gateway")            \
  X(family_unserved, "destination of an IP version that no listener has")                            \
  X(growth_over_limit, "answer or edit that would not fit")                                          \
  X(buffers_exhausted, "no packet buffer left")                                                      \
  X(registrar_ring_full, "ring to the registrar full")                                               \
  X(control_ring_full, "ring to the control core full")                                              \
  X(kernel_ring_full, "ring to the kernel's interface full")                                         \
  X(worker_ring_full, "ring to another worker full")

enum class Verdict : std::uint8_t {
#define X(name, what) name,
  VIADUCT_VERDICTS(X)
#undef X
};
enum class Drop : std::uint8_t {
#define X(name, what) name,
  VIADUCT_DROPS(X)
#undef X
};

struct NamedCounter {
  std::string_view name;
  std::string_view what;
};
inline constexpr std::array verdict_names = {
#define X(name, what) NamedCounter{#name, what},
    VIADUCT_VERDICTS(X)
#undef X
};
inline constexpr std::array drop_names = {
#define X(name, what) NamedCounter{#name, what},
    VIADUCT_DROPS(X)
#undef X
};
inline constexpr std::size_t verdicts_count = verdict_names.size();
inline constexpr std::size_t drops_count = drop_names.size();

[[nodiscard]] constexpr std::string_view name(Verdict v) { return verdict_names[std::to_underlying(v)].name; }
[[nodiscard]] constexpr std::string_view name(Drop d) { return drop_names[std::to_underlying(d)].name; }

}  // namespace viaduct::base
