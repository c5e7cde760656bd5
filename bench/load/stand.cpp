// SPDX-License-Identifier: Apache-2.0
#include "load/stand.h"

#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "viaduct/control/build_site.h"
#include "viaduct/site/handed_index.h"

namespace viaduct::bench {
namespace {

constexpr base::Endpoint node{.address = base::Address::v4({198, 18, 0, 2}), .port = 5060};

nic::Ports started_ports(const Stand::Wanted& wanted) {
  // The device has queues for all: shards that are polled by hand send through the control queue.
  const nic::EalConfig eal{.arguments = {"--no-pci", "--vdev=net_null0", "--no-huge", "--no-shconf", "-m", "256"},
                           .file_prefix = "stand-" + std::to_string(getpid()),
                           .core_cpus = wanted.core_cpus,
                           .control_cpu = wanted.cpu};
  if (const auto started = nic::start_eal(eal); !started) throw std::runtime_error(started.error());
  auto ports = nic::Ports::start(std::array{
      nic::PortConfig{.device = "net_null0", .control_queue = true, .buffers_count = 16383, .large_buffers_count = 127, .offload = nic::Offload::pretended}});
  if (!ports) throw std::runtime_error(ports.error());
  return std::move(*ports);
}

std::unique_ptr<const site::Site> built_site() {
  config::Config c;
  c.listen = {{.endpoint = node}};
  c.domains = {"example.com"};
  c.server_header = "viaduct";
  c.fleet_seed = {1, 2, 3, 4};
  c.fleet_keys = {{.letter = 'a', .key = {5, 6, 7, 8}}};
  c.edges = {base::whole_v4};   // whoever sends, his REGISTER is for this node
  assign::Home home;
  home.name = "here";
  home.address = node;
  home.public_v4 = node;
  home.is_local = home.is_viaduct = true;
  auto built = control::build_site(c, {home});
  if (!built) throw std::runtime_error(built.error());
  return std::move(*built);
}

std::vector<std::unique_ptr<share::Ring>> rings(unsigned count, std::size_t slots) {
  std::vector<std::unique_ptr<share::Ring>> out;
  for (unsigned i = 0; i < count; ++i) out.push_back(std::make_unique<share::Ring>("shard" + std::to_string(i), slots, share::Producers::many));
  return out;
}

}  // namespace

Stand::Stand(const Wanted& wanted)
    : ports_(started_ports(wanted)),
      epoch_(base::workers_max + base::shards_max),
      site_(built_site()),
      locations_(wanted.shards, wanted.bindings),
      watched_(wanted.shards, wanted.bindings),
      to_registrar_(rings(wanted.shards, wanted.ring_slots)),
      to_control_("to_control", wanted.ring_slots, share::Producers::many),
      to_kernel_("to_kernel", wanted.ring_slots, share::Producers::many),
      to_wire_("to_wire", wanted.ring_slots, share::Producers::many),
      commons{.ports = ports_,
              .epoch = epoch_,
              .site = site_,
              .neighbours = neighbours_,
              .rules = rules_,
              .traces = traces_,
              .assignment = assignment_,
              .moves = moves_,
              .locations = locations_,
              .watched = watched_,
              .to_registrar = to_registrar_,
              .to_control = to_control_,
              .to_kernel = to_kernel_,
              .to_wire = to_wire_,
              .to_worker = to_worker_,
              .counters = counters_,
              .load = load_,
              .now_min = now_min_,
              .identifications = identifications_,
              .has_exception_path = false,
              .mtu_bytes = base::mtu_bytes,
              .welcome = welcome_,
              .fragmented_datagrams_max = 1,
              .stop = stop_} {
  assignment_.set_slots(std::vector<assign::HomeIndex>(base::slots_count, 0), 1);
}

nic::Packet Stand::registration(std::string_view message, const base::Endpoint& source, const sip::ClientKey& client) {
  const nic::Packet p = ports_.allocate();
  if (!p) return p;
  std::uint8_t* const payload = p.data() + net::header_bytes(true);
  std::memcpy(payload, message.data(), message.size());
  const net::Envelope envelope{.source_mac = {2, 0, 0, 0, 0, 1}, .destination_mac = ports_[0].mac(), .source = source, .destination = node};
  net::write_headers(payload, message.size(), envelope, net::ChecksumWork::none);
  nic::Packet out = p;
  out.set(p.data(), net::header_bytes(true) + message.size());
  auto& note = out.note<site::Note>();
  note = {};
  note.kind = site::Note::Kind::registration;
  note.frame = *net::parse_frame(out.octets(), net::ChecksumTrust::good);
  note.client = client;
  sip::Message index;   // a worker has made it in any case
  const std::string_view text{reinterpret_cast<const char*>(out.data()) + note.frame.payload_offset, note.frame.payload_bytes};
  if (sip::index(text, index) == sip::Bad::none) site::hand_index(index, out, note);
  return out;
}

}  // namespace viaduct::bench
