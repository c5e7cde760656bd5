// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <span>

#include "viaduct/base/check.h"
#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"

namespace viaduct::control {
namespace {

constexpr std::size_t nonce_bytes = 16;
constexpr std::size_t mac_bytes = 32;

std::string hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t o : octets) {
    out += digits[o >> 4];
    out += digits[o & 15];
  }
  return out;
}

/// The MAC, in hex, over lines and what stands behind them.
std::string mac(const base::Key128& key, std::initializer_list<std::string_view> lines, std::string_view body) {
  std::string text;
  for (const std::string_view line : lines) text.append(line).append(1, '\n');
  text.append(body);
  std::array<std::uint8_t, mac_bytes> out;
  unsigned bytes = 0;
  const bool is_made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), out.data(),
                            &bytes) != nullptr;
  base::check(is_made && bytes == out.size(), "SHA-256 is in every libcrypto");
  return hex(out);
}

std::string mac(const Call& call, std::string_view time, std::string_view nonce, const base::Key128& key) {
  return mac(key, {"viaduct call", call.method, call.target, time, nonce}, call.body);
}

/// A seal of a call in its parts; they borrow from it.
struct Parts {
  char letter{};
  std::uint64_t time_s{};
  std::string_view time, nonce, mac;
};

std::optional<Parts> parts_of(std::string_view seal) {
  std::array<std::string_view, 4> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t dot = i + 1 < fields.size() ? seal.find('.') : seal.size();
    if (dot == seal.npos) return std::nullopt;
    fields[i] = seal.substr(0, dot);
    seal.remove_prefix(std::min(dot + 1, seal.size()));
  }
  const auto& [letter, time, nonce, mac] = fields;
  if (letter.size() != 1 || nonce.size() != 2 * nonce_bytes || mac.size() != 2 * mac_bytes) return std::nullopt;
  Parts out{.letter = letter[0], .time = time, .nonce = nonce, .mac = mac};
  const auto [end, error] = std::from_chars(time.begin(), time.end(), out.time_s);
  if (error != std::errc{} || end != time.end()) return std::nullopt;
  return out;
}

bool equal(std::string_view a, std::string_view b) {
  return base::equal_constant_time({reinterpret_cast<const std::uint8_t*>(a.data()), a.size()}, {reinterpret_cast<const std::uint8_t*>(b.data()), b.size()});
}

}  // namespace

std::string seal(const Call& call, std::uint64_t wall_s, const sip::SigningKeys& keys) {
  std::array<std::uint8_t, nonce_bytes> random;
  base::check(RAND_bytes(random.data(), static_cast<int>(random.size())) == 1, "the kernel gives random octets");
  const std::string time = std::to_string(wall_s), nonce = hex(random);
  std::string out(1, keys.signing().letter);
  for (const std::string& part : {time, nonce, mac(call, time, nonce, keys.signing().fleet_key)}) out.append(1, '.').append(part);
  return out;
}

std::string seal(const CallAnswer& answer, std::string_view call_seal, const sip::SigningKeys& keys) {
  const auto parts = parts_of(call_seal);
  const sip::SigningKey* const key = parts ? keys.by_letter(parts->letter) : nullptr;
  return key != nullptr ? mac(key->fleet_key, {"viaduct answer", parts->nonce, std::to_string(answer.status)}, answer.body) : std::string{};
}

bool is_genuine(const CallAnswer& answer, std::string_view answer_seal, std::string_view call_seal, const sip::SigningKeys& keys) {
  const std::string own = seal(answer, call_seal, keys);
  return !own.empty() && equal(own, answer_seal);
}

std::string_view sentence(Unheard why) {
  switch (why) {
    case Unheard::unsealed:
      return "it has no seal of the fleet";
    case Unheard::forged:
      return "its seal is not by a key of this fleet, or it was changed on its way";
    case Unheard::out_of_time:
      return "its time is too far from this node's clock, or before this node's start";
    case Unheard::repeated:
      return "it was heard before";
    case Unheard::crowded:
      return "more calls come than can be remembered";
  }
  base::fail("a refusal without a sentence");
}

Moment this_moment() { return {.wall_s = base::wall_s(), .monotonic_ms = base::monotonic_ms()}; }

std::expected<void, Unheard> Gate::hear(const Call& call, std::string_view call_seal, Moment now, const sip::SigningKeys& keys) {
  const auto parts = parts_of(call_seal);
  if (!parts) return std::unexpected(Unheard::unsealed);
  const sip::SigningKey* const key = keys.by_letter(parts->letter);
  if (key == nullptr || !equal(mac(call, parts->time, parts->nonce, key->fleet_key), parts->mac)) return std::unexpected(Unheard::forged);
  const std::uint64_t ahead_s = parts->time_s > now.wall_s ? parts->time_s - now.wall_s : 0;
  const std::uint64_t age_s = now.wall_s > parts->time_s ? now.wall_s - parts->time_s : 0;
  const std::uint64_t open_for_s = (now.monotonic_ms - opened_ms_ + 999) / 1000;
  if (ahead_s > base::node_call_window_s || age_s > std::min(base::node_call_window_s, open_for_s)) return std::unexpected(Unheard::out_of_time);
  const std::lock_guard lock(mutex_);
  // One that was made at the end of the window is out of it after two.
  while (!forget_.empty() && forget_.front().first + 2000 * base::node_call_window_s < now.monotonic_ms) {
    heard_.erase(forget_.front().second);
    forget_.pop_front();
  }
  if (heard_.contains(std::string(parts->nonce))) return std::unexpected(Unheard::repeated);
  if (heard_.size() >= base::node_calls_remembered_max) return std::unexpected(Unheard::crowded);
  heard_.emplace(parts->nonce);
  forget_.emplace_back(now.monotonic_ms, parts->nonce);
  return {};
}

}  // namespace viaduct::control
