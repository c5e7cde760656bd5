// SPDX-License-Identifier: Apache-2.0
// Filling and restoring a pool.
#include "micro/pool.h"

#include <cstring>
#include <utility>

#include "load/registers.h"
#include "viaduct/base/check.h"

namespace viaduct::bench {

Pool::Pool(std::vector<std::string> originals) : originals_(std::move(originals)), room_(std::make_unique<char[]>(originals_.size() * stride)) { restore(); }

void Pool::restore() {
  for (std::size_t i = 0; i < originals_.size(); ++i) std::memcpy((*this)[i].data(), originals_[i].data(), originals_[i].size());
}

void Pool::index_burst(std::size_t first, std::span<sip::Message> out) const {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto text = (*this)[first + i];
    base::check(sip::index({text.data(), text.size()}, out[i]) == sip::Bad::none, "a benchmark's message is good");
  }
}

Pool sized_pool(std::size_t bytes, unsigned vias) {
  Registers registers(bytes * 8 + vias);
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < pool_messages; ++i) messages.push_back(registers.sized(registers.below(clients_max), bytes, vias));
  return Pool(std::move(messages));
}

}  // namespace viaduct::bench
