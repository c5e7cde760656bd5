// SPDX-License-Identifier: Apache-2.0
// `viaductd --explain`: a configuration's site and the store's placements without a device, and messages from a file.
#include "explain.h"

#include <pcap/pcap.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "exit.h"
#include "viaduct/assign/fill.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/fleet.h"
#include "viaduct/control/homes.h"
#include "viaduct/edge/rehearse.h"
#include "viaduct/net/frame.h"
#include "viaduct/net/vlan.h"
#include "viaduct/store/lmdb.h"

namespace viaduct {
namespace {

struct Stage {
  Stage(std::unique_ptr<const site::Site> s, assign::Policy policy) : site(std::move(s)), assignment(policy, 1) {}
  std::unique_ptr<const site::Site> site;
  assign::Assignment assignment;
  std::unique_ptr<store::Store> store;         // null: there is none yet, and the records are the configuration's
  std::unique_ptr<store::Snapshot> snapshot;   // of it
  std::map<std::pair<std::uint64_t, std::uint64_t>, store::Record> records;
  share::Epoch epoch{1};
  std::uint32_t now_min{};
  bool as_json{};
  std::size_t messages{};
};

void print_json(const edge::Rehearsal& r, const site::Site& site, std::size_t number) {
  const auto& j = r.judgement;
  nlohmann::json out = {{"message", number}, {"verdict", base::name(j.verdict)}, {"reason", edge::sentence(j.reason)}, {"bytes", r.bytes}};
  if (j.verdict == base::Verdict::dropped) out["drop"] = base::name(j.drop);
  if (j.fault != sip::Bad::none) out["fault"] = sip::name(j.fault);
  if (j.home != assign::no_home) out["home"] = site.homes[j.home].name;
  if (j.verdict == base::Verdict::returned) out["to"] = r.next.text();
  std::puts(out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_text(const edge::Rehearsal& r, const site::Site& site, std::size_t number) {
  const auto& j = r.judgement;
  std::printf("message %zu: %.*s", number, static_cast<int>(base::name(j.verdict).size()), base::name(j.verdict).data());
  if (j.verdict == base::Verdict::dropped) std::printf(" (%.*s)", static_cast<int>(base::name(j.drop).size()), base::name(j.drop).data());
  if (j.home != assign::no_home) std::printf(", home %s", site.homes[j.home].name.c_str());
  if (j.verdict == base::Verdict::returned) std::printf(", to %s", r.next.text().c_str());
  const std::string_view fault = j.fault == sip::Bad::none ? std::string_view{} : sip::phrase(j.fault);
  const std::string_view why = edge::sentence(j.reason);
  std::printf("\n  because %.*s%s%.*s\n", static_cast<int>(why.size()), why.data(), fault.empty() ? "" : ": ", static_cast<int>(fault.size()), fault.data());
  if (!r.bytes.empty()) std::printf("--- %zu octets\n%s\n---\n", r.bytes.size(), r.bytes.c_str());
}

void fill_table(Stage& stage) {
  std::vector<store::Record> records;
  for (const auto& [client, record] : stage.records) records.push_back(record);
  assign::fill(stage.assignment, std::move(records), 1, stage.epoch);
}

/// Bring a client's record from the store to the table: a hundred million others stay where they are. True when he has one that was not there.
bool fetch(Stage& stage, const sip::ClientKey& key) {
  if (!stage.snapshot) return false;
  const auto record = stage.snapshot->find(key);
  if (!record || !*record || !stage.records.try_emplace({(*record)->client.high, (*record)->client.low}, **record).second) return false;
  fill_table(stage);
  return true;
}

void show(Stage& stage, std::string_view text, const base::Endpoint& source, const site::Listener& listener) {
  auto r = edge::rehearse(text, source, listener, *stage.site, edge::Tables{stage.assignment}, stage.now_min);
  if (r.client && fetch(stage, *r.client)) r = edge::rehearse(text, source, listener, *stage.site, edge::Tables{stage.assignment}, stage.now_min);
  ++stage.messages;
  (stage.as_json ? print_json : print_text)(r, *stage.site, stage.messages);
}

int explain_sip(Stage& stage, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) return std::fprintf(stderr, "%s: cannot be read\n", file.c_str()), wrong_use;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto [source, listener] = edge::rehearsed_arrival(*stage.site, {}, 1);
  show(stage, text, source, *listener);
  return 0;
}

int explain_pcap(Stage& stage, const std::filesystem::path& file) {
  char error[PCAP_ERRBUF_SIZE];
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(pcap_open_offline(file.c_str(), error), pcap_close);
  if (!capture) return std::fprintf(stderr, "%s: %s\n", file.c_str(), error), wrong_use;
  if (pcap_datalink(capture.get()) != DLT_EN10MB) return std::fprintf(stderr, "%s: not an Ethernet capture\n", file.c_str()), wrong_use;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  std::size_t others = 0;
  int read = 0;
  while ((read = pcap_next_ex(capture.get(), &header, &data)) == 1) {
    const std::span<const std::uint8_t> whole{data, header->caplen};
    const std::uint8_t* const untagged = net::vlan_of(whole) ? data + net::tag_bytes : data;  // the addresses in front, which nobody reads here, are lost
    const auto frame = net::parse_frame({untagged, data + header->caplen}, net::ChecksumTrust::ignore);
    const site::Listener* listener = frame && frame->kind == net::FrameKind::udp ? stage.site->listener(frame->destination) : nullptr;
    if (listener == nullptr) {
      ++others;
      continue;
    }
    show(stage, {reinterpret_cast<const char*>(untagged) + frame->payload_offset, frame->payload_bytes}, frame->source, *listener);
  }
  if (others != 0) std::fprintf(stderr, "%zu frames are not UDP for a listener of this node\n", others);
  if (read == PCAP_ERROR) return std::fprintf(stderr, "%s: %s\n", file.c_str(), pcap_geterr(capture.get())), wrong_use;
  return 0;
}

/// What an empty store would be seeded with. Errors: file:line: why.
control::Expected<void> take_configured(Stage& stage, const config::Config& config) {
  if (config.assignments_file.empty()) return {};
  std::ifstream in(config.assignments_file, std::ios::binary);
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    const auto refused = [&](const std::string& why) { return std::unexpected(config.assignments_file.string() + ':' + std::to_string(number) + ": " + why); };
    const auto row = config::read_assignment(line);
    if (!row) return refused(row.error());
    if (!*row) continue;
    const auto client = control::client_named((*row)->aor, stage.site->domains, stage.site->fleet_seed);
    if (!client) return refused(client.error());
    const assign::HomeIndex home = stage.site->homes.find((*row)->home);
    if (home == assign::no_home) return refused((*row)->home + ": no such home");
    const auto identity = store::identity(client->key);
    stage.records[{identity.high, identity.low}] = {.client = identity, .epoch = 1, .home = home, .pin = (*row)->pin};
  }
  return {};
}

/// The store as it stands beside a node that may be running; none before the first start.
control::Expected<std::unique_ptr<store::Store>> store_beside(const config::Config& config) {
  if (!std::filesystem::exists(config.store_path / "clients.mdb")) return nullptr;
  auto store = store::open_lmdb(
      {.folder = config.store_path, .bytes_max = config.store_bytes_max, .fsync = {}, .access = store::Access::read, .fleet_seed = config.fleet_seed});
  if (!store) return std::unexpected(store.error().text);
  return std::move(*store);
}

control::FleetState configured_fleet(const config::Config& config) {
  auto homes = control::homes_of(config);
  auto slots = assign::deal(assign::Homes(homes), config.fleet_seed);
  return {.homes = std::move(homes), .slots = std::move(slots), .is_seed = true};
}

control::Expected<std::unique_ptr<Stage>> set_up(const config::Config& config) {
  auto store = store_beside(config);
  if (!store) return std::unexpected(store.error());
  auto fleet = *store ? control::read_fleet(**store, config) : configured_fleet(config);
  if (!fleet) return std::unexpected(fleet.error());
  auto site = control::build_site(config, fleet->homes);
  if (!site) return std::unexpected(config.file.string() + ": " + site.error());
  const auto policy = config.assign_policy == config::AssignPolicy::slots ? assign::Policy::slots : assign::Policy::explicit_;
  auto stage = std::make_unique<Stage>(std::move(*site), policy);
  stage->now_min = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::minutes>(std::chrono::system_clock::now().time_since_epoch()).count());
  stage->assignment.set_slots(fleet->slots, std::max(fleet->epoch, 1u));
  if (*store && !fleet->is_seed) {
    stage->store = std::move(*store);
    auto snapshot = stage->store->snapshot();
    if (!snapshot) return std::unexpected(snapshot.error().text);
    stage->snapshot = std::move(*snapshot);
  } else if (const auto taken = take_configured(*stage, config); !taken) {
    return std::unexpected(taken.error());
  }
  fill_table(*stage);
  return stage;
}

}  // namespace

int explain(const config::Config& config, const std::filesystem::path& file, bool as_json) {
  const auto stage = set_up(config);
  if (!stage) return std::fprintf(stderr, "%s\n", stage.error().c_str()), 1;
  (*stage)->as_json = as_json;
  const bool is_capture = file.extension() == ".pcap" || file.extension() == ".pcapng";
  return is_capture ? explain_pcap(**stage, file) : explain_sip(**stage, file);
}

}  // namespace viaduct
