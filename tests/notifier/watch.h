// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBEs, what the notifier sends, and the answers to it, in one line each; a notifier with its bindings and its clock.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "../location/register.h"
#include "viaduct/notifier/watchers.h"
#include "viaduct/sip/event.h"

namespace viaduct::notifier::test {

using location::test::Register;

inline site::Site one_listener() {
  site::Site site;
  site.listeners.push_back({.endpoint = {base::Address::v4({198, 18, 0, 2}), 5060}, .host = "198.18.0.2"});
  site.keys.keys[0].emplace('a', base::Key128{1, 2, 3});
  return site;
}

/// A text and its index, which borrows from it.
class Indexed {
 public:
  explicit Indexed(std::string text) : text_(std::move(text)) { EXPECT_EQ(sip::index(text_, message), sip::Bad::none) << text_; }
  Indexed(const Indexed&) = delete;
  Indexed& operator=(const Indexed&) = delete;
  sip::Message message;

 private:
  std::string text_;
};

/// A SUBSCRIBE of alice's own telephone for alice, built fluently.
struct Asking {
  std::string call_id = "watch@h", from_tag = "w1", to_tag, event = "reg", contact = "<sip:alice@192.0.2.9:5070>", from = "sip:alice@example.com", more;
  unsigned cseq = 1;
  std::optional<unsigned> expires;

  [[nodiscard]] std::string text() const {
    std::string out = "SUBSCRIBE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKw" + std::to_string(cseq) +
                      "\r\nMax-Forwards: 70\r\nFrom: <" + from + ">";
    if (!from_tag.empty()) out += ";tag=" + from_tag;
    out += "\r\nTo: <sip:alice@example.com>";
    if (!to_tag.empty()) out += ";tag=" + to_tag;
    out += "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + " SUBSCRIBE\r\n";
    if (!event.empty()) out += "Event: " + event + "\r\n";
    if (!contact.empty()) out += "Contact: " + contact + "\r\n";
    if (expires) out += "Expires: " + std::to_string(*expires) + "\r\n";
    return out + more + "Content-Length: 0\r\n\r\n";
  }
};

/// What left, kept as it was.
struct Sent final : Outlet {
  bool send(const site::Listener&, const base::Endpoint& to, std::string_view message) override {
    places.push_back(to);
    messages.emplace_back(message);
    return is_open;
  }
  bool is_open{true};
  std::vector<base::Endpoint> places;
  std::deque<std::string> messages;
};

/// The value of a header of a message that was sent.
inline std::string header(const std::string& message, const std::string& name) {
  const std::size_t at = message.find("\r\n" + name + ": ");
  if (at == message.npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return message.substr(begin, message.find("\r\n", begin) - begin);
}

/// The answer of whoever got it.
inline std::string answer_to(const std::string& request, const std::string& status = "200 OK", const std::string& more = {}) {
  return "SIP/2.0 " + status + "\r\nVia: " + header(request, "Via") + "\r\nFrom: " + header(request, "From") + "\r\nTo: " + header(request, "To") +
         "\r\nCall-ID: " + header(request, "Call-ID") + "\r\nCSeq: " + header(request, "CSeq") + "\r\n" + more + "Content-Length: 0\r\n\r\n";
}

inline constexpr location::ClientKey alice{1, 0x0000'0007'0000'0000};

class WatchersTest : public testing::Test {
 protected:
  WatchRules rules{.per_client_max = 3, .subscriptions_max = 4};
  site::Site site = one_listener();
  assign::LocationMap locations{16};
  const base::Key128 seed{7};
  location::Bindings bindings{location::Rules{}, locations, seed};
  Sent sent;
  assign::Watched watched{1, 16};
  Sightings sightings{watched, 16, seed};
  std::optional<Watchers> watchers{std::in_place, rules, locations, sightings, seed, sent};
  std::uint64_t now_ms = 1'000'000'000;
  const base::Endpoint flow{base::Address::v4({192, 0, 2, 9}), 5070};

  void SetUp() override { bindings.set_observer(*watchers); }

  SubscribeOutcome ask(const Asking& asking, const location::ClientKey& client = alice) {
    const Indexed m(asking.text());
    return watchers->process({.message = m.message, .aor = "alice@example.com", .client = client, .flow = flow, .next = flow}, site, now_ms);
  }
  /// Time passes, in the notifier's ticks.
  void pass(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end; now_ms += 100) {
      watchers->tick(site, now_ms);
      bindings.expire(now_ms / 1000);
      sightings.expire(now_ms / 1000);
    }
    watchers->tick(site, now_ms);
  }
  void answer(const std::string& text) {
    const Indexed m(text);
    const auto own = sip::verify_own_branch(m.message.top.branch, m.message.cseq_number, site.keys);
    ASSERT_TRUE(own) << text;
    EXPECT_EQ(own->sender, alice.high >> 32);
    watchers->take_answer(*own, m.message, now_ms);
  }
  /// What has been sent since, each answered.
  std::vector<std::string> heard(const std::string& status = "200 OK") {
    std::vector<std::string> out;
    while (!sent.messages.empty()) {
      out.push_back(std::move(sent.messages.front()));
      sent.messages.pop_front();
      answer(answer_to(out.back(), status));
    }
    return out;
  }
  std::string only() {
    const auto all = heard();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? std::string{} : all.front();
  }
  void enrol(const std::string& contact, unsigned cseq) {
    Register r;
    r.cseq(cseq).branch("z9hG4bKr" + std::to_string(cseq)).contact(contact);
    EXPECT_EQ(bindings.process({.message = r.indexed(), .aor = "alice@example.com", .key = alice, .flow = flow, .next = flow}, now_ms / 1000).status, 200);
  }
  /// A subscription whose first NOTIFY is heard. Returns our tag.
  std::string subscribed(const Asking& asking = {}) {
    EXPECT_EQ(ask(asking).status, 200);
    pass(100);
    const std::string from = header(only(), "From");
    return from.substr(from.find(";tag=") + 5);
  }
  [[nodiscard]] const WatcherCounters& counters() const { return watchers->counters(); }
};

class WatchersAtRestart : public WatchersTest {
 protected:
  std::vector<store::Row> rows() {
    std::vector<store::Row> out;
    while (watchers->take_changed(2, basis(), out) == 2) {
    }
    return out;
  }
  [[nodiscard]] location::RowBasis basis() const { return {.offset_s = offset_s, .listeners = listeners}; }
  void restart(const std::vector<store::Row>& kept) {
    std::map<std::uint64_t, std::string> latest;
    for (const store::Row& row : kept) latest[row.key.low] = row.octets;
    sent.messages.clear();
    watchers.emplace(rules, locations, sightings, seed, sent);
    bindings.set_observer(*watchers);
    for (const auto& [id, octets] : latest) {
      const bool is_back = octets.empty() || watchers->restore(octets, basis(), now_ms);
      EXPECT_TRUE(is_back) << id;
    }
  }
  std::int64_t offset_s = 500;
  std::vector<base::Endpoint> listeners = {*base::Endpoint::parse("198.18.0.2:5060", 5060)};
};

}  // namespace viaduct::notifier::test
