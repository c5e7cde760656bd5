// SPDX-License-Identifier: Apache-2.0
// Putting record after record into a shard that no reader knows yet, and aside those that a reader could mistake for each other.
#include "build.h"

#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

Found found_of(const store::Record& r) { return {r.home, r.pin, r.epoch}; }

bool is_before(const ClientKey& a, const ClientKey& b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }

}  // namespace

Build::Build(std::span<const store::Record> records, std::unique_ptr<Shard> empty)
    : records_(records), shard_(std::move(empty)), owners_(std::size_t{shard_->lines_count()} * entries_per_line) {}

std::unique_ptr<Shard> Build::run() && {
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const store::Record& r = records_[i];
    base::check(i == 0 || is_before(records_[i - 1].client, r.client), "records of a shard that do not ascend");
    base::check(r.home != no_home && r.client == store::identity(r.client), "a record that is none");
    shard_->pins_ += r.pin;
    if (shard_->has_room_at_home(r.client))
      add(static_cast<std::uint32_t>(i));
    else
      later_.push_back(static_cast<std::uint32_t>(i));
  }
  for (const std::uint32_t record : later_) add(record);
  shard_->clients_ = records_.size();
  if (!aside_.empty()) static_cast<void>(shard_->publish(std::make_unique<const Side>(std::move(aside_))));
  return std::move(shard_);
}

void Build::add(std::uint32_t record) {
  const store::Record& r = records_[record];
  const Shard::Scan met = shard_->scan(r.client);
  const bool is_aside = met.alike_count > 0 || met.free == Shard::nowhere;
  if (is_aside) set_aside(record, met);
  shard_->pass(r.client, met.steps_passed);
  if (met.free == Shard::nowhere) return;
  shard_->place_new(met.free, r.client, found_of(r), is_aside ? word::collided : 0);
  owners_[met.free] = record;
}

/// A reader that meets a mark finds all of that tag aside.
void Build::set_aside(std::uint32_t record, const Shard::Scan& met) {
  aside_.push_back({records_[record].client, found_of(records_[record])});
  for (const std::uint32_t place : std::span(met.alike.data(), met.alike_count)) {
    const std::uint64_t w = shard_->word_at(place).load(std::memory_order_relaxed);
    if (w & word::collided) continue;
    const store::Record& other = records_[owners_[place]];
    aside_.push_back({other.client, found_of(other)});
    shard_->word_at(place).store(w | word::collided, std::memory_order_relaxed);
  }
}

}  // namespace viaduct::assign
