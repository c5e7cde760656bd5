// SPDX-License-Identifier: Apache-2.0
// `viaduct_watchers SUBSCRIPTIONS`: as many clients, each watched by itself; one change of each is told and answered. CPU time of the notifier and memory, as one JSON object.
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

#include "load/resident.h"
#include "micro/cpu.h"
#include "viaduct/notifier/watchers.h"

namespace viaduct::bench {
namespace {

using location::ClientKey;

constexpr std::uint64_t start_ms = 1'000'000'000;
constexpr std::size_t told_at_once = 64;

/// CPU time of this thread, added up between `go` and `stop`.
class Watch {
 public:
  void go() { begin_ = cpu_seconds(); }
  void stop() { seconds_ += cpu_seconds() - begin_; }
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  double begin_{}, seconds_{};
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "viaduct_watchers: %s\n", what);
  std::exit(1);
}

/// Keeps what was sent until it is answered.
struct Answerer final : notifier::Outlet {
  bool send(const site::Listener&, const base::Endpoint&, std::string_view message) override {
    sent.emplace_back(message);
    return true;
  }
  std::vector<std::string> sent;
};

std::string header(const std::string& message, const std::string& name) {
  const std::size_t begin = message.find("\r\n" + name + ": ") + name.size() + 4;
  return message.substr(begin, message.find("\r\n", begin) - begin);
}

std::string answer_to(const std::string& request) {
  std::string out = "SIP/2.0 200 OK\r\n";
  for (const char* name : {"Via", "From", "To", "Call-ID", "CSeq"}) out.append(name).append(": ").append(header(request, name)).append("\r\n");
  return out + "Content-Length: 0\r\n\r\n";
}

class Program {
 public:
  explicit Program(std::uint32_t clients)
      : clients_(clients),
        locations_(clients),
        bindings_({.bindings_max = clients}, locations_, seed_),
        watchers_({.per_client_max = 4, .subscriptions_max = clients, .notifies_per_s = 1'000'000, .open_max = clients}, locations_, sightings_, seed_,
                  outlet_) {
    site_.listeners.push_back({.endpoint = {base::Address::v4({198, 18, 0, 2}), 5060}, .host = "198.18.0.2"});
    site_.keys.keys[0].emplace('a', base::Key128{1, 2, 3});
    bindings_.set_observer(watchers_);
  }

  void run() {
    for (std::uint32_t i = 0; i < clients_; ++i) enrol(i, 1);
    const std::uint64_t before = resident_bytes();
    Watch subscribing, first, telling;
    for (std::uint32_t i = 0; i < clients_; ++i) subscribe(i, subscribing);
    tell(clients_, first);
    std::vector<std::string>().swap(outlet_.sent);
    const double bytes = static_cast<double>(resident_bytes() - before) / clients_;
    for (std::uint32_t i = 0; i < clients_; ++i) enrol(i, 2);
    now_ms_ += 6'000;
    tell(2 * std::uint64_t{clients_}, telling);
    if (watchers_.size() != clients_) fail("a subscription that is over");
    std::printf(R"({"subscribe_per_s": %.0f, "first_notify_per_s": %.0f, "notify_per_s": %.0f, "bytes_per_subscription": %.1f})"
                "\n",
                clients_ / subscribing.seconds(), clients_ / first.seconds(), clients_ / telling.seconds(), bytes);
  }

 private:
  static std::string user(std::uint32_t i) { return joined({"u", std::to_string(10'000'000 + i)}); }
  [[nodiscard]] ClientKey key(std::uint32_t i) const { return base::siphash128(seed_, user(i)); }
  base::Endpoint flow(std::uint32_t i) const {
    return {base::Address::v4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}), 5060};
  }
  void index(const std::string& text) {
    if (sip::index(text, message_) != sip::Bad::none) fail("a message that is none");
  }
  static std::string joined(std::initializer_list<std::string_view> pieces) {
    std::string out;
    for (const std::string_view piece : pieces) out.append(piece);
    return out;
  }
  [[nodiscard]] static std::string start(std::string_view method, std::uint32_t i, unsigned cseq) {
    const std::string name = user(i), number = std::to_string(cseq);
    return joined({method, " sip:", name, "@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK", name, number,
                   ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:", name, "@example.com>;tag=9fxced76sl\r\nTo: <sip:", name,
                   "@example.com>\r\nCall-ID: 3848276298220188511-", name, "\r\nCSeq: ", number, " ", method, "\r\nContact: <sip:", name,
                   "@10.0.0.1:5060>\r\n"});
  }

  void enrol(std::uint32_t i, unsigned cseq) {
    const std::string text = joined({start("REGISTER", i, cseq), "Content-Length: 0\r\n\r\n"});
    index(text);
    if (bindings_.process({.message = message_, .aor = joined({user(i), "@example.com"}), .key = key(i), .flow = flow(i), .next = flow(i)}, now_ms_ / 1000)
            .status != 200)
      fail("a REGISTER was refused");
  }
  void subscribe(std::uint32_t i, Watch& watch) {
    const std::string text = joined({start("SUBSCRIBE", i, 1), "Event: reg\r\nAccept: application/reginfo+xml\r\nExpires: 3761\r\nContent-Length: 0\r\n\r\n"});
    const std::string aor = joined({user(i), "@example.com"});
    watch.go();
    index(text);
    const auto status = watchers_.process({.message = message_, .aor = aor, .client = key(i), .flow = flow(i), .next = flow(i)}, site_, now_ms_).status;
    watch.stop();
    if (status != 200) fail("a SUBSCRIBE was refused");
  }
  /// Some NOTIFYs, then their answers, as they come from the ring; until so many are answered since the beginning.
  void tell(std::uint64_t in_all, Watch& watch) {
    std::vector<std::string> answers;
    while (watchers_.counters().notified.get() < in_all) {
      outlet_.sent.clear();
      watch.go();
      while (outlet_.sent.size() < told_at_once && watchers_.tick(site_, now_ms_) != 0) {
      }
      watch.stop();
      answers.clear();
      for (const std::string& notify : outlet_.sent) answers.push_back(answer_to(notify));
      watch.go();
      for (const std::string& answer : answers) take(answer);
      watch.stop();
      ++now_ms_;
      if (now_ms_ > start_ms + 3'000'000) fail("NOTIFYs that were never sent");
    }
  }
  void take(const std::string& answer) {
    index(answer);
    const auto own = sip::verify_own_branch(message_.top.branch, message_.cseq_number, site_.keys);
    if (!own) fail("a branch that is not ours");
    watchers_.take_answer(*own, message_, now_ms_);
  }

  const std::uint32_t clients_;
  const base::Key128 seed_{7};
  site::Site site_;
  assign::LocationMap locations_;
  assign::Watched watched_{1, 1};
  notifier::Sightings sightings_{watched_, 1, seed_};
  location::Bindings bindings_;
  Answerer outlet_;
  notifier::Watchers watchers_;
  std::uint64_t now_ms_{start_ms};
  sip::Message message_;
};

}  // namespace
}  // namespace viaduct::bench

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: viaduct_watchers SUBSCRIPTIONS\n", stderr), 2;
  viaduct::bench::Program(static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10))).run();
  return 0;
}
