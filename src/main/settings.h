// SPDX-License-Identifier: Apache-2.0
// What the configuration means to each part: one file's settings as the parts' own.
#pragma once
#include <expected>
#include <memory>
#include <string>

#include "viaduct/config/config.h"
#include "viaduct/edge/worker.h"
#include "viaduct/migration/balancer.h"
#include "viaduct/nic/nic.h"
#include "viaduct/registrar/registrar.h"
#include "viaduct/store/etcd.h"
#include "viaduct/store/lmdb.h"

namespace viaduct {

[[nodiscard]] nic::EalConfig eal_of(const config::Config& c);
[[nodiscard]] std::vector<nic::PortConfig> ports_of(const config::Config& c);
[[nodiscard]] store::LmdbOptions store_of(const config::Config& c);
/// Shape: the configuration has etcd.
[[nodiscard]] store::EtcdOptions etcd_of(const config::Config& c, const store::Store& store);
[[nodiscard]] edge::WorkerConfig worker_of(const config::Config& c, unsigned index);

[[nodiscard]] migration::MoverSettings mover_of(const config::Config& c);
[[nodiscard]] migration::BalanceSettings balance_of(const config::Config& c);

/// Reads the file of credentials. Errors: file, line, and what is wrong.
[[nodiscard]] std::expected<registrar::Settings, std::string> registrar_of(const config::Config& c, const sip::Domains& domains);

/// Datagrams that a worker keeps fragments of. However many workers there are, these take a quarter of the buffers at the most.
[[nodiscard]] unsigned fragmented_datagrams(const config::Config& c);

}  // namespace viaduct
