// SPDX-License-Identifier: Apache-2.0
// What we sign, and what we verify without state: branches, To tags, and the vh parameter of a redirect.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/base/aes.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/uri.h"
#include "viaduct/sip/via.h"

namespace viaduct::sip {

/// One fleet key, expanded: `letter` names it in what it signs.
struct SigningKey {
  char letter{};               ///< 'a' to 'p' name fleet keys; other first letters of a branch mark requests of our own
  base::AesHashKey hash_key;   ///< for T, L and tags: derived from the fleet key
  base::AesMac mac;            ///< for M: derived from the fleet key
  base::Key128 fleet_key;      ///< itself, for what is no SIP
  SigningKey(char name, const base::Key128& key);
};

/// The fleet's keys: the first signs, both verify.
struct SigningKeys {
  std::array<std::optional<SigningKey>, 2> keys;
  [[nodiscard]] const SigningKey& signing() const { return *keys[0]; }
  [[nodiscard]] const SigningKey* by_letter(char letter) const;
};

/// Octets of base32 (RFC 4648 6, lower case, no padding) for 64 and 32 bits.
inline constexpr std::size_t base32_64_bytes = 13;
inline constexpr std::size_t base32_32_bytes = 7;
/// A branch of ours as numbers: they are written where the branch goes, since what has just been written and is copied at once makes a core wait.
struct Branch {
  char letter{};  ///< names the key, and whose request it is
  std::uint64_t t{};
  std::uint32_t l{};
  std::uint64_t m{};
  constexpr bool operator==(const Branch&) const = default;
};
/// z9hG4bK, letter, T, L, M.
inline constexpr std::size_t branch_bytes = 7 + 1 + base32_64_bytes + base32_32_bytes + base32_64_bytes;
using BranchText = std::array<char, branch_bytes>;
[[nodiscard]] BranchText branch_text(const Branch& branch);

/// Where a request is going, for the loop part of its branch.
enum class Direction : std::uint8_t { to_home, to_binding, by_route };

/// The branch of a request that we forward: equal for a retransmission, its CANCEL and its non-2xx ACK; different for different clients.
/// T: keyed hash of top branch and sent-by, Call-ID, From tag, CSeq number, Request-URI. L: hash over Request-URI, Routes, Proxy-Require, direction
/// (of an INVITE, ACK or CANCEL without Proxy-Require, which RFC 3261 8.2.2.3 bars from the latter two).
/// M: MAC over T, L, Call-ID, From tag, CSeq number and the endpoint that the response will be sent to.
/// Shape: `top` borrows from request.text, here and below.
/// Thread: any; pure. Source: RFC 3261 16.6 step 8, 16.11.
[[nodiscard]] Branch make_branch(const Message& request, const Via& top, Direction direction, const base::Endpoint& response_goes_to, const SigningKeys& keys);

/// What a branch is made from; see make_branch.
struct BranchOf {
  const Message* request{};
  const Via* top{};
  Direction direction{};
  const base::Endpoint* response_goes_to{};
};
/// As make_branch, of several requests: each waits for its own rounds of AES alone, so two are made in hardly more time than one.
/// Shape: `out` is as long as `requests`.
void make_branches(std::span<const BranchOf> requests, const SigningKeys& keys, std::span<Branch> out);

/// True when `branch` is one of ours for this response: the MAC holds for its Call-ID, From tag, CSeq number and the place it would be sent to.
[[nodiscard]] bool verify_branch(std::string_view branch, const Message& response, const base::Endpoint& response_goes_to, const SigningKeys& keys);

/// The loop part that `make_branch` would compute, to tell a spiral from a loop (RFC 3261 16.3 item 4), and the one in a branch of ours.
[[nodiscard]] std::uint32_t loop_part(const Message& request, Direction direction, const SigningKey& key);
[[nodiscard]] std::optional<std::uint32_t> loop_part_of(std::string_view branch);

/// A request of this node's own, as the branch of its response names it: the sender's number for it, and which of the senders of this node it was.
struct OwnRequest {
  std::uint64_t id{};
  std::uint32_t sender{};
  constexpr bool operator==(const OwnRequest&) const = default;
};
/// The sender of the control core's requests. All other senders speak for a client.
inline constexpr std::uint32_t control_sender = 0xffff'ffff;
/// The sender of requests that are about a client: the part of his key that says whose shard it is, but for the one number in 2^32 that is not free.
[[nodiscard]] constexpr std::uint32_t sender_for(const ClientKey& client) {
  const auto part = static_cast<std::uint32_t>(client.high >> 32);
  return part == control_sender ? control_sender - 1 : part;
}
/// The branch of a request of our own: as make_branch's, but for its letter ('0' to '9' and 'q' to 'v' for the fleet keys 'a' to 'p'), the id for T,
/// the sender for L, and M over both and the CSeq number. The same whenever it is made, so that a repetition after a restart has it, too.
[[nodiscard]] Branch own_branch(const OwnRequest& request, std::uint32_t cseq, const SigningKeys& keys);
/// Which request of ours a response with that branch and CSeq number answers. Errors: nullopt: none of ours. Thread: any; pure, as own_branch.
[[nodiscard]] std::optional<OwnRequest> verify_own_branch(std::string_view branch, std::uint32_t cseq, const SigningKeys& keys);

/// Keyed hashes of a request, the same for a retransmission.
struct Marks {
  std::uint64_t call{};       ///< of the Call-ID; not to be shown
  std::uint64_t reply_tag{};  ///< of From tag, Call-ID, CSeq number and top branch: the To tag of our own answers
};
[[nodiscard]] Marks marks(const Message& request, const Via& top, const SigningKey& key);
[[nodiscard]] inline std::uint64_t reply_tag(const Message& request, const Via& top, const SigningKey& key) { return marks(request, top, key).reply_tag; }
/// True when the To tag of an ACK is one that we gave: it is absorbed.
[[nodiscard]] bool is_reply_tag(const Message& request, const Via& top, const SigningKeys& keys);

/// What a redirect tells the home about the decision: epoch, expiry (minutes since 1970), and a MAC over (client key, both, the home's name).
struct HomeProof {
  std::uint32_t epoch{};
  std::uint32_t expires_min{};
};
/// `E.X.M`: two hex numbers and the key letter with 13 base32 letters. Writes at most 32 octets; returns octets written.
inline constexpr std::size_t home_proof_bytes_max = 32;
[[nodiscard]] std::size_t write_home_proof(const HomeProof& proof, const ClientKey& client, std::string_view home_name, const SigningKey& key,
                                           std::span<char, home_proof_bytes_max> out);
/// The proof, when `text` verifies for this client and home and has not expired at `now_min`.
[[nodiscard]] std::optional<HomeProof> verify_home_proof(std::string_view text, const ClientKey& client, std::string_view home_name, std::uint32_t now_min,
                                                         const SigningKeys& keys);
/// The expiry of a proof made now: rounded up to the next multiple of 10 minutes, at least 10 minutes away.
[[nodiscard]] std::uint32_t proof_expiry(std::uint32_t now_min);

/// Base32 letters of a number, most significant first.
void write_base32(std::uint64_t value, std::span<char, base32_64_bytes> out);
void write_base32(std::uint32_t value, std::span<char, base32_32_bytes> out);
[[nodiscard]] std::optional<std::uint64_t> read_base32(std::string_view text);

}  // namespace viaduct::sip
