// SPDX-License-Identifier: Apache-2.0
// A REGISTER like the one before it, not read again: whatever comes, in whatever order, the bindings, the answers and what is told of them are those of a registrar
// that reads each.
#include "shape.h"

#include <gtest/gtest.h>

#include <random>

#include "../location/register.h"
#include "registration.h"
#include "viaduct/location/row.h"

namespace viaduct::registrar::test {
namespace {

using location::test::Register;

const base::Key128 seed{9};
const location::Rules rules{.expires_min_s = 60, .bindings_per_aor_max = 3, .bindings_max = 5};
constexpr location::ClientKey alice{1, 2};

/// What an observer hears, as text.
class Heard final : public location::BindingsObserver {
 public:
  void bindings_changed(const location::BindingsChange& c) override {
    text += std::string(c.aor) + (c.why == location::Departure::expired ? " expired" : " changed");
    for (std::size_t i = 0; c.before != nullptr && i < c.before->count(); ++i) add(" -", (*c.before)[i]);
    for (const assign::BindingText& b : c.after) add(" +", b);
    text += '\n';
  }
  std::string text;

 private:
  void add(const char* sign, const assign::BindingText& b) {
    text += sign + std::string(b.uri) + '@' + std::to_string(b.binding.expires_at_s) + '#' + std::to_string(b.binding.cseq);
  }
};

/// A registrar; `reads_all`: each REGISTER anew.
struct Home {
  explicit Home(bool all) : reads_all(all), bindings(rules, locations, seed) { bindings.set_observer(heard); }

  location::Outcome process(const sip::Message& m, const site::Note& note, const site::Site& site, std::uint64_t now_s) {
    const std::uint64_t shape = reads_all ? 0 : shape_of(m, note, site, key);
    if (!reads_all) {
      if (const auto again = read_again(m, note, bindings.location(note.client), shape)) {
        ++not_read;
        return finish(*again, site, now_s);
      }
    }
    std::array<char, base::path_bytes_max> room;
    auto read = read_registration(m, "alice@example.com", note, site, room);
    if (!read) return read.error();
    read->shape = shape;
    return finish(*read, site, now_s);
  }
  /// All that is known of alice.
  [[nodiscard]] std::string all() const {
    const assign::Location* const location = bindings.location(alice);
    return location != nullptr ? location::to_row(*location, {.offset_s = 7}) : std::string{};
  }

  bool reads_all;
  Heard heard;
  base::AesHashKey key = shape_key(seed);
  assign::LocationMap locations{16};
  location::Bindings bindings;
  std::size_t not_read{};

 private:
  location::Outcome finish(const location::Registration& r, const site::Site& site, std::uint64_t now_s) {
    location::Outcome out = bindings.process(r, now_s);
    if (out.status == 200) put_extensions(out.headers, r, out, site);
    return out;
  }
};

class Shape : public testing::Test {
 protected:
  Shape() {
    site.listeners.push_back({.endpoint = *base::Endpoint::parse("198.18.0.2:5060", 5060), .host = "198.18.0.2"});
    site.trust_all_proxies = true;
    site.service_route = "Service-Route: <sip:198.18.0.2;lr>\r\n";
    note.frame.source = *base::Endpoint::parse("192.0.2.9:5060", 5060);
    note.frame.destination = site.listeners[0].endpoint;
    note.client = alice;
  }
  std::uint64_t of(Register r) const { return shape_of(r.indexed(), note, site, shape_key(seed)); }

  site::Site site;
  site::Note note{};
};

Register usual() { return Register().contact("<sip:a@192.0.2.9>;expires=600").header("Supported: path, gruu"); }

TEST_F(Shape, IsWhatARefreshHasInCommonWithTheOneBefore) {
  const std::uint64_t shape = of(usual());
  EXPECT_NE(shape, 0u);
  EXPECT_EQ(of(usual().call_id("two@host").cseq(9).branch("z9hG4bK2").header("User-Agent: x")), shape);
}

TEST_F(Shape, IsAnotherWithAnythingThatARegistrarReads) {
  const std::uint64_t shape = of(usual());
  EXPECT_NE(of(Register().contact("<sip:A@192.0.2.9>;expires=600").header("Supported: path, gruu")), shape);
  EXPECT_NE(of(usual().contact("<sip:b@192.0.2.9>")), shape);
  EXPECT_NE(of(usual().expires("600")), shape);
  EXPECT_NE(of(usual().header("Require: gruu")), shape);
  EXPECT_NE(of(usual().header("Path: <sip:192.0.2.1;lr>")), shape);
  EXPECT_NE(of(usual().header("Event: registration")), shape);
  EXPECT_NE(of(Register().header("Supported: path, gruu").contact("<sip:a@192.0.2.9>;expires=600")), shape) << "in another order it is read anew";
  EXPECT_NE(of(usual().header("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0")), shape) << "through a proxy outbound may not be what it says";
  for (const char* place : {"192.0.2.9:5061", "192.0.2.10:5060"}) {
    note.frame.source = *base::Endpoint::parse(place, 5060);
    EXPECT_NE(of(usual()), shape) << place;
  }
  note.frame.source = *base::Endpoint::parse("192.0.2.9:5060", 5060);
  note.frame.destination.port = 5062;
  EXPECT_NE(of(usual()), shape);
  note.frame.destination.port = 5060;
  site.trust_all_proxies = false;
  EXPECT_NE(of(usual()), shape) << "nobody's Path is believed now";
}

TEST_F(Shape, OfAnUnregistrationIsNoBindingsOwn) {
  Home home(false);
  const auto send = [&](Register r) { return home.process(r.indexed(), note, site, 1000); };
  send(Register().cseq(1).branch("1").contact("<sip:a@h>"));
  send(Register().cseq(2).branch("2").contact("<sip:b@h>"));
  send(Register().cseq(3).branch("3").contact("<sip:b@h>;expires=0"));
  const location::Outcome again = send(Register().cseq(4).branch("4").contact("<sip:b@h>;expires=0"));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(home.bindings.of(alice, 1000).front().cseq, 1u) << "nothing of the other one has changed";
  EXPECT_EQ(home.not_read, 0u);
}

TEST_F(Shape, ARefreshKeepsItsPlaceInMemoryAndEndsLater) {
  Home home(false);
  const auto send = [&](unsigned cseq, std::uint64_t now_s) {
    home.process(usual().cseq(cseq).branch(std::to_string(cseq)).indexed(), note, site, now_s);
    return home.bindings.location(alice);
  };
  const assign::Location* const first = send(1, 1000);
  EXPECT_EQ(send(2, 1300), first);
  home.bindings.expire(1700);
  EXPECT_EQ(home.bindings.clients(), 1u) << "it was to end at 1600, and was refreshed";
  home.bindings.expire(1899);
  EXPECT_EQ(home.bindings.clients(), 1u);
  home.bindings.expire(1900);
  EXPECT_EQ(home.bindings.clients(), 0u);
}

/// The same REGISTERs to both, and time passes.
class Twins : public Shape {
 protected:
  unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
  template <typename T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(static_cast<unsigned>(all.size()))];
  }
  Register any() {
    Register r;
    // A telephone says the same again and again; one REGISTER in sixteen is something else.
    static const std::vector<std::string> usual_contacts = {"<sip:a@192.0.2.9>", "<sip:a@192.0.2.9;transport=udp>;q=0.5",
                                                            "<sip:b@192.0.2.9>;+sip.instance=\"<urn:uuid:1>\";reg-id=1"};
    static const std::vector<std::string> usual_others = {
        "Supported: path", "Supported: path, outbound, gruu", "Path: <sip:192.0.2.1;lr>", "Expires: 100", "Expires: 70000", "Event: registration"};
    static const std::vector<std::string> contacts = {"<sip:a@192.0.2.9>",
                                                      "<sip:a@192.0.2.9;transport=udp>;q=0.5",
                                                      "<sip:A@192.0.2.9>",
                                                      "<sip:a@192.0.2.9>;expires=0",
                                                      "<sip:a@192.0.2.9>;expires=61",
                                                      "<sip:a@192.0.2.9>;expires=30",
                                                      "<sip:b@192.0.2.9>;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
                                                      "<sip:c@192.0.2.9>;q=2",
                                                      "<sip:a@192.0.2.9>, <sip:b@192.0.2.9>",
                                                      "<sip:%61@192.0.2.9>",
                                                      "*",
                                                      "<sip:d@h>;+sip.instance=\"<urn:\r\n uuid:2>\""};
    static const std::vector<std::string> others = {"Supported: path",
                                                    "Supported: path, outbound, gruu",
                                                    "Require: gruu",
                                                    "Require: foo",
                                                    "Path: <sip:192.0.2.1;lr>",
                                                    "Path: <sip:192.0.2.2;lr;ob>, <sip:192.0.2.3;lr>",
                                                    "Expires: 0",
                                                    "Expires: 100",
                                                    "Expires: x"};
    const bool is_usual = below(16) != 0;
    if (is_usual || below(8) != 0) r.contact(is_usual ? usual_contacts[usual_ % usual_contacts.size()] : one_of(contacts));
    if (is_usual)
      r.header(usual_others[usual_ / 3 % usual_others.size()]);
    else
      for (unsigned i = below(3); i > 0; --i) r.header(one_of(others));
    if (below(40) == 0) ++usual_;
    if (below(3) == 0) call_ = below(3);
    cseq_ += below(16) == 0 ? -1 : 1;
    const bool repeats = below(10) == 0;
    return r.call_id(std::to_string(call_)).cseq(cseq_).branch(repeats ? branch_ : branch_ = "z9hG4bK" + std::to_string(random()));
  }
  void set_rules(const location::Rules& others) {
    for (Home* home : {&quick, &slow}) home->bindings.set_rules(others);
  }

  std::mt19937 random{20261127};
  Home quick{false}, slow{true};

 private:
  unsigned usual_ = 0, call_ = 0, cseq_ = 100;
  std::string branch_ = "z9hG4bK";
};

TEST_F(Twins, NeverDiffer) {
  std::uint64_t now_s = 1'000'000;
  for (int i = 0; i < 200'000; ++i) {
    if (below(200) == 0) note.frame.source.port = static_cast<std::uint16_t>(5060 + below(2));
    if (below(500) == 0) site.trust_all_proxies = !site.trust_all_proxies;
    if (below(300) == 0)
      set_rules({.expires_min_s = below(2) == 0 ? 60U : 90U,
                 .expires_max_s = 3600,
                 .expires_spread_percent = below(3) * 20,
                 .bindings_per_aor_max = 3,
                 .bindings_max = 5});
    Register r = any();
    const sip::Message& m = r.indexed();
    const location::Outcome a = quick.process(m, note, site, now_s), b = slow.process(m, note, site, now_s);
    ASSERT_EQ(a.status, b.status) << m.text;
    ASSERT_EQ(a.headers, b.headers) << m.text;
    ASSERT_EQ(a.fault, b.fault) << m.text;
    ASSERT_EQ(quick.all(), slow.all()) << m.text;
    ASSERT_EQ(quick.heard.text, slow.heard.text) << m.text;
    quick.heard.text.clear();
    slow.heard.text.clear();
    now_s += below(50) == 0 ? below(4000) : below(8);
    for (Home* home : {&quick, &slow}) home->bindings.expire(now_s);
    ASSERT_EQ(quick.heard.text, slow.heard.text) << "at " << now_s;
    ASSERT_EQ(quick.bindings.take_changed(9), slow.bindings.take_changed(9));
  }
  EXPECT_GT(quick.not_read, 10'000u) << "what is to be compared has hardly come";
  EXPECT_EQ(slow.not_read, 0u);
}

}  // namespace
}  // namespace viaduct::registrar::test
