// SPDX-License-Identifier: Apache-2.0
// [registrar]: how long bindings last, how many there may be, and what clients are told beside them.
#include <algorithm>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

constexpr std::string_view route_text = "a loose route, sip:HOST[:PORT];lr";

std::string route(const Item& item) {
  constexpr std::string_view scheme = "sip:", loose = ";lr";
  std::string_view place = item.text;
  const bool is_uri = place.starts_with(scheme) && place.ends_with(loose);
  if (is_uri) place = place.substr(scheme.size(), place.size() - scheme.size() - loose.size());
  if (!is_uri || !is_host_port(place)) item.refuse_text("is no route", route_text);
  return item.text;
}

constexpr std::string_view algorithms_text = "some of SHA-512-256, SHA-256, MD5, the strongest first";

// Nobody has to prove anything without one.
void read_credentials(const Table& registrar, Config& config) {
  constexpr std::string_view credentials_text = "a file of aor,algorithm,ha1";
  const auto file = registrar.item("credentials", credentials_text);
  if (!file) return;
  config.credentials_file = from_folder_of(config.file, file->text);
  std::error_code failure;
  if (!std::filesystem::is_regular_file(config.credentials_file, failure))
    file->refuse(config.credentials_file.string() + " is not a file that can be read", credentials_text);
}

void read_digest(const Table& registrar, Config& config) {
  read_credentials(registrar, config);
  config.realm = config.domains.empty() ? std::string{} : config.domains.front();
  if (const auto realm = registrar.item("realm", "a text without quotes")) {
    if (realm->text.empty() || realm->text.find_first_of("\"\\\r\n") != realm->text.npos)
      realm->refuse_text("cannot stand between quotes", "a text without quotes");
    config.realm = realm->text;
  }
  if (!registrar.has("algorithms")) return;
  config.digest_algorithms.clear();
  for (const auto& item : registrar.items("algorithms", algorithms_text)) {
    const auto algorithm = sip::digest_algorithm(item.text);
    if (!algorithm) item.refuse_text("is not known", algorithms_text);
    if (std::ranges::find(config.digest_algorithms, *algorithm) != config.digest_algorithms.end()) item.refuse_text("is given twice", algorithms_text);
    config.digest_algorithms.push_back(*algorithm);
  }
  if (config.digest_algorithms.empty()) registrar.place("algorithms").refuse("is empty", algorithms_text);
}

void check_cores(const Table& registrar, const Config& config) {
  const std::size_t cores = 1 + config.workers + (config.shards > 1 ? config.shards : 0);
  if (cores > base::cores_max)
    registrar.place(registrar.has("shards") ? "shards" : "shard_cpus")
        .refuse(std::to_string(config.shards) + " with " + std::to_string(config.workers) + " workers and the control core make " + std::to_string(cores) +
                    " cores",
                std::to_string(base::cores_max) + " cores in all");
}

// One shard shares the control core; of several each has a core of its own.
void read_shards(const Table& registrar, Config& config) {
  const auto cpus = registrar.numbers("shard_cpus", {0, cpu_max});
  const auto count = std::max<std::size_t>(1, cpus.size());
  if (cpus.size() > base::shards_max) registrar.place("shard_cpus").refuse("lists " + std::to_string(cpus.size()), "1 to " + std::to_string(base::shards_max));
  config.shards = registrar.number("shards", {1, base::shards_max}, static_cast<unsigned>(count));
  check_cores(registrar, config);
  if (config.shards == 1) {
    if (!cpus.empty()) registrar.place("shard_cpus").refuse("is given where one shard shares the control core", "two or more shards, one CPU each");
    return;
  }
  if (registrar.has("shard_cpus") && cpus.size() != config.shards)
    registrar.place("shard_cpus")
        .refuse("lists " + std::to_string(cpus.size()) + " where registrar.shards is " + std::to_string(config.shards), "one CPU a shard");
  for (const auto& [place, cpu] : cpus) config.shard_cpus.push_back(static_cast<unsigned>(cpu));
  if (!cpus.empty()) return;
  const auto all = spread(config.workers + config.shards, config.control_cpu);
  config.shard_cpus.assign(all.begin() + config.workers, all.end());
}

}  // namespace

void read_registrar(const Table& registrar, Config& config) {
  registrar.only({"expires_default_s", "expires_min_s", "expires_max_s", "expires_spread_percent", "bindings_per_aor_max", "bindings_max", "service_route",
                  "credentials", "realm", "algorithms", "shards", "shard_cpus"});
  const Expiry expiry = read_expiry(registrar, 3600);
  config.expires_min_s = expiry.min_s;
  config.expires_default_s = expiry.default_s;
  config.expires_max_s = expiry.max_s;
  config.bindings_per_aor_max = registrar.number<std::uint32_t>("bindings_per_aor_max", {1, 64}, 10);
  config.expires_spread_percent = registrar.number<std::uint32_t>("expires_spread_percent", {0, 50}, 0);
  for (const auto& item : registrar.items("service_route", route_text)) config.service_route.push_back(route(item));
  config.bindings_max = registrar.number<std::size_t>("bindings_max", {1, 100'000'000}, 1'000'000);
  read_shards(registrar, config);
  read_digest(registrar, config);
}

}  // namespace viaduct::config
