// SPDX-License-Identifier: Apache-2.0
// Canonical addresses-of-record and equality of URIs against the slow reference, on made URIs that differ in little.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "uris.h"

namespace viaduct::sip {
namespace {

class Uris {
 public:
  explicit Uris(std::uint64_t seed) : random_(seed) {}

  std::string uri() {
    std::string out = pick({"sip:", "sip:", "SIP:", "sips:", "tel:"});
    if (out == "tel:") return out + pick({"+49-30-1", "+4930(1)", "7042", "70-42", "+", "*21#"}) + some_params({"phone-context=example.com", "isub=1", "x"});
    out += pick({"", "alice@", "%61lice@", "Alice@", "a;b@", "a%3bb@", "+49-30@", "%2b4930@", "alice:pw@", "alice:%70w@", "a%00@", "a%ZZ@"});
    out += pick({"example.com", "EXAMPLE.com", "example.com.", "alias.example.org", "[2001:db8::1]", "[2001:DB8:0:0::1]", "[::ffff:192.0.2.1]", "[::1]",
                 "192.0.2.1", "a b"});
    out += pick({"", "", "", ":5060", ":05060", ":5061", ":5070", ":0"});
    out += some_params({"transport=udp", "Transport=UDP", "user=phone", "maddr=192.0.2.1", "%78=%79", "x=y", "lr"});
    return out + pick({"", "", "", "?a=b", "?A=%62", "?a=b&c=d", "?c=d&a=b", "?a="});
  }

  /// One octet of it another.
  std::string near(std::string uri) {
    uri[below(uri.size())] = ":;@?%.-[]aA0= \xff"[below(15)];
    return uri;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  std::string pick(std::initializer_list<const char*> choices) { return choices.begin()[below(choices.size())]; }
  std::string some_params(std::initializer_list<const char*> choices) {
    std::string out;
    while (below(3) == 0) out.append(";").append(pick(choices));
    return out;
  }
  std::mt19937_64 random_;
};

TEST(UriReference, AgreesOnMadeUrisAndOnPairsOfThem) {
  Uris uris(1);
  int equal = 0, canonical = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string a = uris.uri(), b = i % 2 == 0 ? uris.uri() : uris.near(a);
    ASSERT_EQ(ref::uri_differences(a, b), "");
    equal += ref::equal_uris(a, b);
    canonical += !ref::canonical_aor(a).starts_with("uri_");
  }
  EXPECT_GT(equal, 500);
  EXPECT_GT(canonical, 50'000);
}

}  // namespace
}  // namespace viaduct::sip
