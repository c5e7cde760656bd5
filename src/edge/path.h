// SPDX-License-Identifier: Apache-2.0
// The path of one worker: its state between bursts, and the stages of a burst.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "act.h"
#include "followers.h"
#include "inlet.h"
#include "job.h"
#include "limiter.h"
#include "rotation.h"
#include "screen.h"
#include "shedder.h"
#include "tally.h"
#include "viaduct/edge/worker.h"
#include "viaduct/nic/reassembler.h"
#include "viaduct/site/post.h"

namespace viaduct::edge {

/// Thread: its worker's. Memory: all of it taken here, before the first poll.
class Path {
 public:
  Path(site::Commons& commons, const WorkerConfig& config);

  /// One burst, receive to send. Returns how many packets it had.
  std::size_t burst();

 private:
  [[nodiscard]] std::span<Job> receive();
  [[nodiscard]] std::span<Job*> look(std::span<Job> jobs, const Site& site);
  /// The MAC address of each port, as station_of says those of frames.
  using Stations = std::array<std::uint64_t, base::ports_max>;
  [[nodiscard]] static Stations stations_of(const nic::Ports& ports);
  [[nodiscard]] bool is_sent_to_us(const Job& job) const;
  [[nodiscard]] bool is_misdelivered(const Job& job, const Site& site) const;
  [[nodiscard]] bool is_for_virtual_router(const Job& job) const;
  [[nodiscard]] bool read_frame(Job& job, net::ChecksumTrust trust, const Site& site);
  [[nodiscard]] bool describe(Job& job, net::ChecksumTrust trust, base::Link link);
  void refuse_datagram(Job& job);
  [[nodiscard]] bool collect(Job& job, const Site& site);
  [[nodiscard]] bool gather(Job& job);
  [[nodiscard]] std::span<Job*> limit(std::span<Job*> jobs, const Site& site);
  [[nodiscard]] std::span<Job*> limit_sources(std::span<Job*> jobs, const Site& site);
  void limit_clients(std::span<Job*> jobs, const Site& site);
  void welcome(std::span<Job*> jobs);
  void hold_back(Job& job, base::Drop limit);
  void index(std::span<Job*> jobs);
  void identify(std::span<Job*> jobs, const Site& site);
  void screen(std::span<Job*> jobs);
  void place(std::span<Job*> jobs, const Site& site, std::uint32_t now_min);
  void follow_moves(std::span<Job*> named, const Site& site);
  void follow_returns(std::span<Job*> named, const Site& site, std::uint32_t now_min);
  void hear_confirmations(std::span<Job*> jobs, const Site& site);
  void locate(std::span<Job*> named, const Site& site);
  void follow_invite(Job& job);
  void judge(std::span<Job*> jobs, const Site& site);
  void put_off(std::span<Job*> jobs);
  void keep_in_sight(std::span<Job*> jobs);
  void tell_of_sightings(std::span<Job*> jobs, const Site& site);
  [[nodiscard]] bool tell_of_sighting(const Job& job, const sip::ClientKey& client);
  void shed(std::span<Job*> jobs, const Site& site);
  void mark(Job& job, const Site& site);
  void consult_followers(Job& job, const Site& site, std::uint32_t now_ms);
  void sign(std::span<Job*> jobs, const Site& site);
  void follow_rotation(std::span<Job*> jobs);
  void tally(std::span<Job*> jobs, const Site& site);
  void act(std::span<Job*> jobs, const Site& site);
  void act_on_twins(const Site& site);
  void act_traced(std::span<Job*> jobs, const Site& site, const site::Traces& traces);

  site::Commons& commons_;
  share::Counters& counters_;
  unsigned worker_;
  Stations stations_;
  Inlet inlet_;
  Actor actor_;
  Followers followers_;
  Limiter limiter_;
  Shedder shedder_;
  Screen screen_;
  Tally tally_;
  nic::Reassembler reassembler_;
  nic::ChecksumPolicy checksums_;
  std::uint64_t ticks_per_ms_;
  double ns_per_tick_;
  std::size_t burst_pkts_;
  std::array<Job, base::burst_pkts_max> jobs_;
  std::array<Job*, base::burst_pkts_max> sound_;   // of jobs_: those that are UDP for us
  // Between the steps of identify: clients, the texts that their keys are made from, and those.
  std::array<Subject*, base::burst_pkts_max> unnamed_;
  std::array<base::SipText, base::burst_pkts_max> aors_;
  std::array<sip::ClientKey, base::burst_pkts_max> keys_;
  std::array<assign::Placement, base::burst_pkts_max> placements_;
  Rotation rotation_;
  // Of a burst: requests that go to a second home or binding, or in a second transaction, as well, and room for one of them. Each may be there for its
  // client's move, for the return of his home, for a binding, and for the keys.
  struct Twin {
    Job* job{};
    assign::HomeIndex home{};
    const assign::Location* location{};   // null: his binding, if any, is as the tables say
    std::size_t binding{};
    bool by_key_before{};                 // its branch is by the fleet key that signed before
  };
  std::array<Twin, 4 * base::burst_pkts_max> twins_;
  std::size_t twins_count_{};
  Job twin_;
};

}  // namespace viaduct::edge
