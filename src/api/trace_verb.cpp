// SPDX-License-Identifier: Apache-2.0
// `trace`: for a while, every packet of a client or a prefix as a line, with what became of it.
#include <map>
#include <thread>

#include "answers.h"
#include "arguments.h"
#include "viaduct/control/import.h"
#include "viaduct/net/frame.h"
#include "viaduct/net/vlan.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_every{20};
// A line now and then shows whether the other side is still there.
constexpr std::chrono::seconds sign_of_life_every{1};
constexpr unsigned for_s_max = 3600;

std::string hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * octets.size());
  for (const std::uint8_t octet : octets) {
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}

/// What the frame carries, for people; fields of a message that does not read are missing.
void describe(const site::TraceRecord& record, json& line) {
  std::array<std::uint8_t, base::large_packet_bytes_max> octets = record.octets;
  const std::span<std::uint8_t> whole = std::span(octets).first(record.kept_bytes);
  const std::size_t tag_bytes = net::vlan_of(whole) ? net::tag_bytes : 0;  // what is sent is seen with its tag; the addresses in front are not told
  const auto frame = net::parse_frame(whole.subspan(tag_bytes), net::ChecksumTrust::ignore);
  if (!frame || frame->kind != net::FrameKind::udp) return;
  line["source"] = frame->source.text();
  line["destination"] = frame->destination.text();
  const std::string_view text{reinterpret_cast<const char*>(octets.data()) + tag_bytes + frame->payload_offset, frame->payload_bytes};
  const auto message = std::make_unique<sip::Message>();
  line["start"] = text.substr(0, text.find_first_of("\r\n"));
  if (sip::index(text, *message) != sip::Bad::none) return;
  line["from"] = (*message)[message->from_uri];
  line["to"] = (*message)[message->to_uri];
  line["call_id"] = (*message)[message->call_id];
}

/// A running trace: published while it lives.
class Running {
 public:
  Running(const Plant& plant, std::shared_ptr<site::Trace> trace) : plant_(plant), trace_(std::move(trace)) {
    for (std::size_t i = 0; i < plant.commons.counters.size(); ++i) trace_->workers.push_back(std::make_unique<site::Trace::Worker>());
    change([&](site::Traces& all) {
      is_published_ = all.size() < base::traces_max;
      if (is_published_) all.push_back(trace_);
    });
  }
  ~Running() {
    if (is_published_) change([&](site::Traces& all) { std::erase(all, trace_); });
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  [[nodiscard]] bool is_published() const { return is_published_; }

  /// What has come since the last call, oldest first.
  std::vector<json> take() {
    std::multimap<std::uint64_t, json> found;
    for (std::size_t i = 0; i < trace_->workers.size(); ++i) {
      auto& records = trace_->workers[i]->records;
      for (const site::TraceRecord* r = records.oldest(); r != nullptr; records.release(), r = records.oldest()) found.emplace(r->at_ticks, line_of(*r, i));
    }
    std::vector<json> out;
    for (auto& [ticks, line] : found) out.push_back(std::move(line));
    return out;
  }
  [[nodiscard]] std::uint64_t lost() const {
    std::uint64_t sum = 0;
    for (const auto& worker : trace_->workers) sum += worker->lost.get();
    return sum;
  }

 private:
  template <typename Change>
  void change(Change how) {
    plant_.loop.call([&] {
      auto next = std::make_unique<site::Traces>(plant_.commons.traces.read());
      how(*next);
      plant_.commons.traces.publish(std::move(next), plant_.commons.epoch);
    });
  }

  /// The workers' clock counts ticks; the wall clock is asked here.
  [[nodiscard]] static std::uint64_t wall_ns(std::uint64_t at_ticks) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const double ago_ns = static_cast<double>(nic::ticks() - at_ticks) * 1e9 / static_cast<double>(nic::ticks_per_second());
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) - static_cast<std::uint64_t>(ago_ns);
  }

  static json line_of(const site::TraceRecord& r, std::size_t worker) {
    json line = {{"at_ns", wall_ns(r.at_ticks)},
                 {"way", r.is_sent ? "sent" : "received"},
                 {"verdict", base::name(r.verdict)},
                 {"reason", r.reason},
                 {"worker", worker},
                 {"bytes", r.bytes},
                 {"frame", hex(std::span(r.octets).first(r.kept_bytes))}};
    if (r.verdict == base::Verdict::dropped) line["drop"] = base::name(r.drop);
    describe(r, line);
    return line;
  }

  const Plant& plant_;
  std::shared_ptr<site::Trace> trace_;
  bool is_published_{};
};

/// An address-of-record, an address or a prefix.
control::Expected<std::shared_ptr<site::Trace>> trace_of(const Plant& plant, const std::string& what) {
  auto trace = std::make_shared<site::Trace>();
  const auto address = base::Address::parse(what);
  trace->prefix = address ? base::Prefix{*address, 128} : base::Prefix::parse(what);
  if (trace->prefix) return trace;
  control::Expected<std::shared_ptr<site::Trace>> out;
  plant.loop.call([&] {
    const site::Site& site = plant.commons.site.read();
    const auto client = control::client_named(what, site.domains, site.fleet_seed);
    if (client) trace->client = client->key;
    out = client ? control::Expected<std::shared_ptr<site::Trace>>(trace) : std::unexpected(what + ": neither a prefix nor a client: " + client.error());
  });
  return out;
}

/// Until the time is over or nobody listens. Returns how many lines were sent.
std::uint64_t follow(Running& running, Stream& stream, Clock::time_point end) {
  std::uint64_t count = 0;
  auto heard = Clock::now();
  for (bool is_there = true; is_there && Clock::now() < end; std::this_thread::sleep_for(look_every)) {
    const auto lines = running.take();
    for (const json& line : lines) is_there = is_there && stream.write_line(line);
    count += lines.size();
    if (!lines.empty()) heard = Clock::now();
    if (Clock::now() - heard < sign_of_life_every) continue;
    heard = Clock::now();
    is_there = stream.write_line({{"lost", running.lost()}});
  }
  return count;
}

}  // namespace

Answer trace(const Plant& plant, const json& request, const std::string&) {
  const auto for_s = whole_number(request, "for_s", {1, for_s_max}).value_or(60);
  return [&plant, what = request.at("what").get<std::string>(), for_s](Stream& stream) {
    auto wanted = trace_of(plant, what);
    if (!wanted) {
      stream.write_line(failure(wanted.error()));
      return;
    }
    Running running(plant, std::move(*wanted));
    if (!running.is_published()) {
      stream.write_line(failure("there are " + std::to_string(base::traces_max) + " traces already"));
      return;
    }
    stream.write_line({{"ok", true}, {"for_s", for_s}});
    const auto count = follow(running, stream, Clock::now() + std::chrono::seconds(for_s));
    stream.write_line({{"end", true}, {"packets", count}, {"lost", running.lost()}});
  };
}

}  // namespace viaduct::api
