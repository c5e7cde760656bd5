// SPDX-License-Identifier: Apache-2.0
// Who may watch whom: servers by their address, clients themselves from the flow of a binding, also behind an edge.
#include "viaduct/notifier/permission.h"

#include <array>

#include "viaduct/sip/flow.h"
#include "watch.h"

namespace viaduct::notifier::test {
namespace {

class PermissionTest : public testing::Test {
 protected:
  site::Site site = one_listener();
  const base::Endpoint client{base::Address::v4({192, 0, 2, 9}), 5070}, other{base::Address::v4({192, 0, 2, 8}), 5070};
  const base::Endpoint edge{base::Address::v4({198, 18, 0, 3}), 5060};

  PermissionTest() { site.edges = {*base::Prefix::parse("198.18.0.3/32")}; }

  /// One binding of alice's.
  static assign::Location::Owner bound(const base::Endpoint& flow, const std::string& path = {}, bool is_own_flow = true) {
    const std::array all = {assign::BindingText{
        .binding = {.flow = flow, .next = flow, .is_own_flow = is_own_flow}, .uri = "sip:alice@192.0.2.9:5070", .instance = {}, .path = path}};
    return assign::Location::make({1, 2}, "alice@example.com", all);
  }
  /// The edge's URI for that client's flow: of a Path, or of the dialog's Record-Route.
  std::string edge_uri(const base::Endpoint& flow, std::string_view call_id = {}) const {
    std::array<char, sip::flow_token_bytes_max> token;
    const std::size_t bytes = sip::write_flow_token({.client = flow, .ours = edge, .listener = 0}, call_id, site.keys.signing(), token);
    return "<sip:" + std::string(token.data(), bytes) + "@198.18.0.3:5060;lr>";
  }
  Permission ask(const Asking& asking, const base::Endpoint& flow, const assign::Location* location) const { return ask_text(asking.text(), flow, location); }
  Permission ask_text(const std::string& text, const base::Endpoint& flow, const assign::Location* location) const {
    const Indexed m(text);
    return may_watch({.message = m.message, .aor = "alice@example.com", .flow = flow, .location = location}, site);
  }
  /// A request of alice's as an edge hands it on that has it from there.
  static std::string through_edge(const std::string& received, const std::string& line = {}) {
    std::string text = Asking{.to_tag = "ours", .more = line}.text();
    const std::string via = "Via: SIP/2.0/UDP 192.0.2.9:5070;";
    text.replace(text.find(via), via.size(), "Via: SIP/2.0/UDP 198.18.0.3:5060;branch=z9hG4bKe\r\n" + via + received);
    return text;
  }
};

TEST_F(PermissionTest, IsAServersByItsAddressAlone) {
  site.watcher_prefixes = {*base::Prefix::parse("192.0.2.8/32")};
  EXPECT_EQ(ask({.from = "sip:server@elsewhere.net"}, other, nullptr), Permission::granted);
  EXPECT_EQ(ask({.from = "sip:server@elsewhere.net"}, client, nullptr), Permission::refused);
}

TEST_F(PermissionTest, IsAClientsForItselfOnTheFlowOfABinding) {
  const auto location = bound(client);
  EXPECT_EQ(ask({}, client, location.get()), Permission::granted);
  EXPECT_EQ(ask({}, other, location.get()), Permission::after_proof);
  EXPECT_EQ(ask({}, {client.address, 5071}, location.get()), Permission::after_proof);
  EXPECT_EQ(ask({}, client, nullptr), Permission::after_proof);
  EXPECT_EQ(ask({.from = "sip:bob@example.com"}, client, location.get()), Permission::refused);
}

TEST_F(PermissionTest, IsNobodysOnAFlowThatAProxyShares) {
  const auto location = bound(client, {}, false), behind_edge = bound(edge, edge_uri(client), false);
  EXPECT_EQ(ask({}, client, location.get()), Permission::after_proof);
  EXPECT_EQ(ask({.more = "Record-Route: " + edge_uri(client, "watch@h") + "\r\n"}, edge, behind_edge.get()), Permission::after_proof);
}

TEST_F(PermissionTest, IsAClientsOnTheFlowOfABindingSeenElsewhereToo) {
  const auto here = bound(other), seen = bound(client);
  const Indexed m(Asking{}.text());
  const auto asked = [&](const base::Endpoint& flow, const assign::Location* elsewhere) {
    return may_watch({.message = m.message, .aor = "alice@example.com", .flow = flow, .location = here.get(), .seen = elsewhere}, site);
  };
  EXPECT_EQ(asked(client, seen.get()), Permission::granted);
  EXPECT_EQ(asked(client, nullptr), Permission::after_proof);
  EXPECT_EQ(asked(other, nullptr), Permission::granted);
}

TEST_F(PermissionTest, BehindAnEdgeIsWhatTheEdgesTokensSay) {
  const auto location = bound(edge, edge_uri(client));
  EXPECT_EQ(ask({.more = "Record-Route: " + edge_uri(client, "watch@h") + "\r\n"}, edge, location.get()), Permission::granted);
  EXPECT_EQ(ask({.more = "Record-Route: " + edge_uri(other, "watch@h") + "\r\n"}, edge, location.get()), Permission::after_proof);
  EXPECT_EQ(ask({.more = "Record-Route: " + edge_uri(client, "another@h") + "\r\n"}, edge, location.get()), Permission::after_proof);
  EXPECT_EQ(ask({}, edge, location.get()), Permission::after_proof);
}

TEST_F(PermissionTest, OfARefreshBehindAnEdgeIsWhatTheEdgesViaSays) {
  const auto location = bound(edge, edge_uri(client));
  EXPECT_EQ(ask_text(through_edge("received=192.0.2.9;rport=5070;"), edge, location.get()), Permission::granted);
  EXPECT_EQ(ask_text(through_edge("received=192.0.2.8;rport=5070;"), edge, location.get()), Permission::after_proof);
  EXPECT_EQ(ask_text(through_edge("received=192.0.2.9;rport=5071;"), edge, location.get()), Permission::after_proof);
  EXPECT_EQ(ask_text(through_edge("maddr=192.0.2.9;rport;"), edge, location.get()), Permission::after_proof) << "the client's own word";
  site.edges.clear();
  EXPECT_EQ(ask_text(through_edge("received=192.0.2.9;rport=5070;"), edge, location.get()), Permission::after_proof) << "no edge of ours";
}

}  // namespace
}  // namespace viaduct::notifier::test
