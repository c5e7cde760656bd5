// SPDX-License-Identifier: Apache-2.0
#include "nonces.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"

namespace viaduct::registrar {
namespace {

constexpr std::size_t slots_min = 256;
constexpr std::uint64_t done = 1;

}  // namespace

Nonces::Uses::Uses(std::size_t expected) : slots(std::bit_ceil(std::max(2 * expected, slots_min))) {}

/// Where that key is, or would be.
Nonces::Slot& Nonces::Uses::at(std::uint64_t key) {
  std::size_t i = key >> 32 & (slots.size() - 1);
  while (slots[i].key != 0 && slots[i].key != key) i = (i + 1) & (slots.size() - 1);
  return slots[i];
}

Nonces::Slot& Nonces::Uses::add(std::uint64_t key) {
  if (2 * ++count > slots.size()) {
    std::vector<Slot> old(2 * slots.size());
    old.swap(slots);
    for (const Slot& slot : old)
      if (slot.key != 0) at(slot.key) = slot;
  }
  Slot& out = at(key);
  out.key = key;
  return out;
}

Nonces::Nonces(std::size_t uses_max) : uses_max_(uses_max), present_(0), past_(0) {
  base::check(getrandom(key_.data(), key_.size(), 0) == std::ssize(key_), "random octets from the system");
}

std::uint64_t Nonces::mac(std::uint64_t number, const base::Address& source) const {
  std::array<char, sizeof number + sizeof source.octets()> what;
  std::memcpy(what.data(), &number, sizeof number);
  std::memcpy(what.data() + sizeof number, source.octets().data(), sizeof source.octets());
  return base::siphash64(key_, {what.data(), what.size()});
}

void Nonces::write(const base::Address& source, std::uint32_t now_s, std::span<char, nonce_bytes> out) {
  last_ = std::max(last_ + 1, std::uint64_t{now_s} << 32);
  sip::write_base32(static_cast<std::uint32_t>(last_ >> 32), out.subspan<0, sip::base32_32_bytes>());
  sip::write_base32(static_cast<std::uint32_t>(last_), out.subspan<sip::base32_32_bytes, sip::base32_32_bytes>());
  sip::write_base32(mac(last_, source), out.subspan<2 * sip::base32_32_bytes, sip::base32_64_bytes>());
}

/// 0: it is none of ours for that source.
std::uint64_t Nonces::number_of(std::string_view nonce, const base::Address& source) const {
  if (nonce.size() != nonce_bytes) return 0;
  const auto seconds = sip::read_base32(nonce.substr(0, sip::base32_32_bytes)),
             count = sip::read_base32(nonce.substr(sip::base32_32_bytes, sip::base32_32_bytes));
  const auto signature = sip::read_base32(nonce.substr(2 * sip::base32_32_bytes));
  if (!seconds || !count || !signature || (*seconds | *count) > UINT32_MAX) return 0;
  const std::uint64_t number = *seconds << 32 | *count, ours = mac(number, source);
  const auto octets = [](const std::uint64_t& word) { return std::span(reinterpret_cast<const std::uint8_t*>(&word), sizeof word); };
  return base::equal_constant_time(octets(ours), octets(*signature)) ? number : 0;
}

/// The uses of nonces that are too old by now are forgotten; when there are too many, those of nonces that then are too old.
void Nonces::turn(std::uint32_t now_s) {
  if (now_s - began_s_ <= base::nonce_s && present_.count < uses_max_) return;
  floor_ = past_last_;
  past_last_ = last_;
  began_s_ = now_s;
  past_ = std::exchange(present_, Uses(present_.count));
}

Nonces::Use Nonces::take(const Answer& answer, std::uint32_t now_s) {
  latest_ = nullptr;
  turn(now_s);
  const std::uint64_t number = number_of(answer.nonce, answer.source);
  if (number <= floor_ || now_s - (number >> 32) > base::nonce_s) return Use::stale;
  std::array<std::uint64_t, 4> what{number, 0, answer.client.low, answer.client.high};
  const std::string_view nonce_count = answer.nonce_count.substr(0, sizeof what[1]);   // empty without a qop
  if (!nonce_count.empty()) std::memcpy(&what[1], nonce_count.data(), nonce_count.size());
  const std::uint64_t key = base::siphash64(key_, {reinterpret_cast<const char*>(what.data()), sizeof what}) | 1;
  for (Uses* uses : {&present_, &past_}) {
    Slot& slot = uses->at(key);
    if (slot.key == 0) continue;
    if ((slot.request | done) != (answer.request | done)) return Use::stale;
    latest_ = &slot;
    return (slot.request & done) != 0 ? Use::repeated : Use::undone;
  }
  latest_ = &present_.add(key);
  latest_->request = answer.request & ~done;
  return Use::first;
}

void Nonces::note_done() {
  if (latest_ != nullptr) latest_->request |= done;
}

}  // namespace viaduct::registrar
