// SPDX-License-Identifier: Apache-2.0
// A small fleet for tests of the decision: an edge with a local home, two homes elsewhere, and messages in one line each.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/edge/rehearse.h"
#include "viaduct/sip/message.h"
#include "viaduct/site/site.h"

namespace viaduct::edge {

inline base::Endpoint endpoint(std::string_view text) { return *base::Endpoint::parse(text, 5060); }

/// A request, built fluently. Default: a REGISTER of alice with one Via.
class Text {
 public:
  Text& method(std::string m) { return method_ = std::move(m), *this; }
  Text& uri(std::string u) { return uri_ = std::move(u), *this; }
  Text& user(std::string u) { return user_ = std::move(u), *this; }
  Text& vias(std::vector<std::string> lines) { return vias_ = std::move(lines), *this; }
  Text& to(std::string t) { return to_ = std::move(t), *this; }
  Text& cseq(unsigned n) { return cseq_ = n, *this; }
  Text& header(const std::string& line) { return more_ += line + "\r\n", *this; }
  Text& max_forwards(unsigned n) { return max_forwards_ = n, *this; }
  operator std::string() const {  // NOLINT: a text is what it is for
    std::string out = method_ + " " + uri_ + " SIP/2.0\r\n";
    for (const std::string& v : vias_) out += v + "\r\n";
    out += "Max-Forwards: " + std::to_string(max_forwards_) + "\r\nFrom: <sip:" + user_ +
           "@example.com>;tag=f1\r\nTo: " + (to_.empty() ? "<sip:" + user_ + "@example.com>" : to_) +
           "\r\nCall-ID: c1@198.18.0.1\r\nCSeq: " + std::to_string(cseq_) + " " + method_ + "\r\n" + more_ + "Content-Length: 0\r\n\r\n";
    return out;
  }

 private:
  std::string method_{"REGISTER"}, uri_{"sip:example.com"}, user_{"alice"}, to_, more_;
  std::vector<std::string> vias_{"Via: SIP/2.0/UDP 198.18.0.1:5062;branch=z9hG4bKone"};
  unsigned cseq_{1}, max_forwards_{70};
};

inline const std::vector<std::string> two_vias = {"Via: SIP/2.0/UDP 198.18.0.9:5060;branch=z9hG4bKtwo", "Via: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKone"};

/// alice lives at `far`, bob at `near` (this node), carol at `hidden`, which has no public address.
class Fleet : public ::testing::Test {
 protected:
  Fleet() : assignment(assign::Policy::slots, 1000) {
    site.listeners.push_back({.endpoint = endpoint("198.18.0.2:5060"),
                              .host = "198.18.0.2",
                              .via_prefix = "Via: SIP/2.0/UDP 198.18.0.2:5060;branch=",
                              .uri_end = "@198.18.0.2:5060;lr"});
    site.node_names = {"edge.example.com"};
    site.homes = assign::Homes({
        {.name = "near", .address = endpoint("198.18.0.2:5060"), .public_v4 = endpoint("198.18.0.2:5060"), .is_local = true, .is_viaduct = true},
        {.name = "far", .address = endpoint("198.18.0.11:5060"), .public_v4 = endpoint("198.18.0.12:5070"), .is_viaduct = false},
        {.name = "hidden", .address = endpoint("198.18.0.13:5060")},
        {.name = "kin", .address = endpoint("198.18.0.14:5060"), .public_v4 = endpoint("198.18.0.14:5060"), .is_viaduct = true},
    });
    site.local_home = 0;
    site.domains = {.served = {"example.com"}, .aliases = {{"alias.example.com", "example.com"}}, .default_domain = "example.com"};
    site.redirect = site::RedirectPolicy::always;
    site.redirect_status_line = "SIP/2.0 302 Moved Temporarily\r\n";
    site.set_server_header("Server: test\r\n");
    site.options_headers = "Allow: REGISTER\r\n";
    site.trust_all_proxies = site.redirect_all_sources = true;
    site.keys.keys[0].emplace('a', base::Key128{1, 2, 3});
    site.fleet_seed = {9, 9, 9};
    site.collect_route_hosts();
    place("alice", 1);
    place("bob", 0);
    place("carol", 2);
    place("dave", 3);
  }

  void place(const std::string& user, assign::HomeIndex home) {
    const assign::Change change{.key = sip::client_key(user + "@example.com", site.fleet_seed), .home = home, .is_new = true};
    EXPECT_TRUE(assignment.apply({&change, 1}, assignment.epoch() + 1, epoch).empty());
  }

  Rehearsal send(const std::string& text, std::string_view from = "198.18.0.1:5062") { return send(text, endpoint(from)); }
  Rehearsal send(const std::string& text, const base::Endpoint& from) {
    return rehearse(text, from, site.listeners.front(), site, {assignment, &locations}, now_min);
  }

  /// The values of a header in what was sent, one line each.
  static std::vector<std::string> values(const Rehearsal& r, const std::string& name) {
    std::vector<std::string> out;
    const std::string key = "\r\n" + name + ": ";
    for (std::size_t at = r.bytes.find(key); at != std::string::npos; at = r.bytes.find(key, at + 1))
      out.push_back(r.bytes.substr(at + key.size(), r.bytes.find("\r\n", at + 2) - at - key.size()));
    return out;
  }

  site::Site site;
  share::Epoch epoch{1};
  assign::Assignment assignment;
  assign::Locations locations{1, 16};
  std::uint32_t now_min{29'000'000};
};

}  // namespace viaduct::edge
