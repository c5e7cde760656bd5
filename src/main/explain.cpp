// SPDX-License-Identifier: Apache-2.0
// `viaductd --explain`: a configuration's site and assignment without a device, and messages from a file.
#include "explain.h"

#include <pcap/pcap.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "viaduct/control/build_site.h"
#include "viaduct/control/placements.h"
#include "viaduct/edge/rehearse.h"
#include "viaduct/net/frame.h"

namespace viaduct {
namespace {

// Where a .sip file's message is taken to come from: TEST-NET-1 (RFC 5737).
constexpr base::Endpoint sip_file_source{.address = base::Address::v4({192, 0, 2, 1}), .port = 5060};

struct Stage {
  std::unique_ptr<const site::Site> site;
  assign::Assignment assignment;
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

void show(Stage& stage, std::string_view text, const base::Endpoint& source, const site::Listener& listener) {
  const auto r = edge::rehearse(text, source, listener, *stage.site, stage.assignment, stage.now_min);
  ++stage.messages;
  (stage.as_json ? print_json : print_text)(r, *stage.site, stage.messages);
}

int explain_sip(Stage& stage, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::fprintf(stderr, "%s: cannot be read\n", file.c_str()), 1;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  show(stage, text, sip_file_source, stage.site->listeners.front());
  return 0;
}

int explain_pcap(Stage& stage, const std::filesystem::path& file) {
  char error[PCAP_ERRBUF_SIZE];
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(pcap_open_offline(file.c_str(), error), pcap_close);
  if (!capture) return std::fprintf(stderr, "%s: %s\n", file.c_str(), error), 1;
  if (pcap_datalink(capture.get()) != DLT_EN10MB) return std::fprintf(stderr, "%s: not an Ethernet capture\n", file.c_str()), 1;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  std::size_t others = 0;
  while (pcap_next_ex(capture.get(), &header, &data) == 1) {
    const auto frame = net::parse_frame({data, header->caplen}, net::ChecksumTrust::ignore);
    const site::Listener* listener = frame && frame->kind == net::FrameKind::udp ? stage.site->listener(frame->destination) : nullptr;
    if (listener == nullptr) {
      ++others;
      continue;
    }
    show(stage, {reinterpret_cast<const char*>(data) + frame->payload_offset, frame->payload_bytes}, frame->source, *listener);
  }
  if (others != 0) std::fprintf(stderr, "%zu frames are not UDP for a listener of this node\n", others);
  return 0;
}

}  // namespace

int explain(const config::Config& config, const std::filesystem::path& file, bool as_json) {
  auto site = control::build_site(config, nullptr);
  if (!site) return std::fprintf(stderr, "%s: %s\n", config.file.c_str(), site.error().c_str()), 1;
  const auto policy = config.assign_policy == config::AssignPolicy::slots ? assign::Policy::slots : assign::Policy::explicit_;
  Stage stage{.site = std::move(*site), .assignment = {policy, config.entries_expected}, .as_json = as_json};
  stage.now_min = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::minutes>(std::chrono::system_clock::now().time_since_epoch()).count());
  stage.assignment.deal_slots(stage.site->homes, config.fleet_seed);
  const auto changes = control::Placements::changes_from(config, *stage.site);
  if (!changes) return std::fprintf(stderr, "%s\n", changes.error().c_str()), 1;
  stage.assignment.apply(*changes, stage.epoch);
  return file.extension() == ".pcap" ? explain_pcap(stage, file) : explain_sip(stage, file);
}

}  // namespace viaduct
