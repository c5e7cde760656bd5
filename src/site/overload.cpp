// SPDX-License-Identifier: Apache-2.0
// A home's wish in one word: its algorithm, its value, and until when it stands.
#include "viaduct/site/overload.h"

#include <algorithm>
#include <utility>

namespace viaduct::site {
namespace {

constexpr unsigned value_bits = 24, until_bits = 39;   // 17 years of milliseconds since the machine was started
static_assert(base::overload_rate_max < 1U << value_bits && 1 + value_bits + until_bits == 64);

std::uint64_t packed(const sip::OverloadReport& report, std::uint64_t now_ms) {
  if (report.validity_ms == 0) return 0;
  const std::uint64_t what = std::uint64_t{std::to_underlying(report.algorithm)} << value_bits | report.value;
  return what << until_bits | (now_ms + report.validity_ms);
}

Overloads::Wish unpacked(std::uint64_t word) {
  return {.algorithm = static_cast<sip::OverloadAlgorithm>(word >> (value_bits + until_bits)),
          .value = static_cast<std::uint32_t>(word >> until_bits & ((1U << value_bits) - 1)),
          .until_ms = word & ((std::uint64_t{1} << until_bits) - 1)};
}

void raise(std::atomic<std::uint64_t>& to_least, std::uint64_t value) {
  std::uint64_t was = to_least.load(std::memory_order_relaxed);
  while (was < value && !to_least.compare_exchange_weak(was, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

Overloads::~Overloads() {
  for (auto& piece : pieces_) delete[] piece.load(std::memory_order_relaxed);
}

void Overloads::cover(std::size_t homes) {
  for (std::size_t i = 0; i * piece_homes < homes; ++i)
    if (pieces_[i].load(std::memory_order_relaxed) == nullptr) pieces_[i].store(new Record[piece_homes], std::memory_order_release);
}

/// Whether no later one has come, and if so: from now on this one has. Of equal ones each comes next: a home that wants the same may say so by the same number.
bool Overloads::Record::comes_next(const sip::OverloadReport& report, std::uint64_t now_ms) {
  if (!report.sequence) return true;
  std::uint64_t last = sequence.load(std::memory_order_acquire);
  do {
    // Whoever was silent for so long may have been started anew, with another clock.
    if (*report.sequence < last && now_ms < ordered_until_ms.load(std::memory_order_relaxed)) return false;
  } while (!sequence.compare_exchange_weak(last, *report.sequence, std::memory_order_acq_rel));
  raise(ordered_until_ms, now_ms + base::overload_ordered_ms);
  return true;
}

// The order is looked at again whenever another worker was faster, so that the last word is the latest.
bool Overloads::take(assign::HomeIndex home, const sip::OverloadReport& report, std::uint64_t now_ms) {
  Record& record = *find(home);
  const std::uint64_t asked = packed(report, now_ms);
  std::uint64_t standing = record.wish.load(std::memory_order_acquire);
  do {
    if (!record.comes_next(report, now_ms)) return false;
  } while (!record.wish.compare_exchange_weak(standing, asked, std::memory_order_acq_rel));
  raise(until_ms_, now_ms + report.validity_ms);
  return true;
}

std::optional<Overloads::Wish> Overloads::of(assign::HomeIndex home, std::uint64_t now_ms) const {
  const Record* const record = find(home);
  if (record == nullptr) return std::nullopt;
  const Wish wish = unpacked(record->wish.load(std::memory_order_acquire));
  return now_ms < wish.until_ms ? std::optional(wish) : std::nullopt;
}

std::uint32_t registrar_loss_percent(std::span<const std::unique_ptr<share::Ring>> shards) {
  std::size_t percent = 0;
  for (const auto& ring : shards) {
    const std::size_t half = ring->slots() / 2, taken = std::min(ring->count(), ring->slots());
    if (taken > half) percent += (taken - half) * 100 / (ring->slots() - half);
  }
  return static_cast<std::uint32_t>(percent / std::max<std::size_t>(shards.size(), 1));
}

}  // namespace viaduct::site
