// SPDX-License-Identifier: Apache-2.0
// A mark is the time in ticks, hidden by a secret of this process: what another node has marked, or a process before, lies far from now.
#include "timing.h"

#include <utility>

#include "viaduct/nic/nic.h"
#include "viaduct/sip/mark.h"

namespace viaduct::edge {
namespace {

/// Requests outside dialogs that a home answers by itself: what it sends on to a telephone takes as long as that does, but for the 100 to an INVITE.
bool is_answered_by_home(const sip::Message& request) {
  switch (request.method) {
    case sip::Method::register_:
    case sip::Method::publish:
    case sip::Method::invite:
      return request.to_tag.bytes == 0;
    case sip::Method::ack:
    case sip::Method::bye:
    case sip::Method::cancel:
    case sip::Method::info:
    case sip::Method::message:
    case sip::Method::notify:
    case sip::Method::options:
    case sip::Method::prack:
    case sip::Method::refer:
    case sip::Method::subscribe:
    case sip::Method::update:
    case sip::Method::other:
      break;
  }
  return false;
}

bool is_first_answer(const sip::Message& response) {
  constexpr unsigned trying = 100;
  return response.method == sip::Method::invite ? response.status == trying : response.status >= 200;
}

}  // namespace

/// The next one is at random between the one after this and twice the mean, so that no traffic falls into step. Of a request that cannot be timed it is the next.
[[gnu::noinline]] std::uint64_t Marking::mark_now(const sip::Message& request) {
  until_mark_ = 1;
  if (!is_answered_by_home(request)) return 0;
  random_ ^= random_ << 13;  // xorshift64: Marsaglia 2003
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  until_mark_ = 1 + static_cast<std::uint32_t>(random_ >> 32) % (2 * base::requests_a_mark - 1);
  return nic::ticks() ^ secret_;
}

std::optional<std::uint64_t> Timing::elapsed_us(const sip::Message& response) {
  constexpr std::uint64_t longest_s = 64;  // twice the life of a transaction
  const auto mark = sip::read_mark(response[response.top_via]);
  if (!mark || !is_first_answer(response)) return std::nullopt;
  const std::uint64_t a_second = nic::ticks_per_second(), ticks = nic::ticks() - (*mark ^ secret_);
  if (ticks > longest_s * a_second) return std::nullopt;  // or in the future
  std::uint64_t& heard = heard_[*mark * 0x9e3779b97f4a7c15U >> 32 & (base::marks_remembered - 1)];
  if (std::exchange(heard, *mark) == *mark) return std::nullopt;
  return ticks * 1'000'000 / a_second;
}

}  // namespace viaduct::edge
