// SPDX-License-Identifier: Apache-2.0
// The canonical address-of-record, as a table of pairs that are one client, and pairs that are two.
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <memory>
#include <random>

#include "viaduct/base/limits.h"
#include "viaduct/sip/uri.h"

namespace viaduct::sip {
namespace {

const Domains domains{{"example.com", "example.net"}, {{"alias.example.org", "example.com"}, {"198.51.100.1", "example.net"}}, "example.com"};

std::string aor(std::string_view uri, const Domains& of = domains) {
  std::array<char, base::aor_bytes_max> out;
  const auto canonical = canonical_aor(uri, of, out);
  return std::string{canonical ? *canonical : name(canonical.error())};
}

struct Pair {
  const char* a;
  const char* b;
};

constexpr Pair equal[] = {
    {"sip:alice@example.com", "sip:alice@example.com"},
    {"sip:alice@example.com", "SIP:alice@example.com"},
    {"sip:alice@example.com", "sips:alice@example.com"},
    {"sip:alice@example.com", "sip:alice@EXAMPLE.com"},
    {"sip:alice@example.com", "sip:alice@example.com."},
    {"sip:alice@example.com", "sip:alice@example.com:5060"},
    {"sip:alice@example.com", "sip:alice@example.com:05060"},
    {"sip:alice@example.com", "sips:alice@example.com:5061"},
    {"sip:alice@example.com", "sips:alice@example.com:5060"},
    {"sip:alice@example.com", "sip:alice@example.com;transport=udp"},
    {"sip:alice@example.com", "sip:alice@example.com;maddr=192.0.2.1;lr"},
    {"sip:alice@example.com", "sip:alice@example.com?subject=x"},
    {"sip:alice@example.com", "sip:alice:secret@example.com"},
    {"sip:alice@example.com", "sip:%61lice@example.com"},
    {"sip:alice@example.com", "sip:%61%6C%69%63%65@example.com"},
    {"sip:alice@example.com", "sip:%61%6c%69%63%65@example.com"},
    {"sip:alice@example.com", "sip:alice@alias.example.org"},
    {"sip:alice@example.com", "sip:alice@ALIAS.example.org."},
    {"sip:alice@example.com", "sip:alice@alias.example.org:5060;x=y"},
    {"sip:alice@example.net", "sip:alice@198.51.100.1"},
    {"sip:alice@example.com;user=phone", "sip:alice@example.com"},
    {"sip:+4930123@example.com", "sip:%2B4930123@example.com"},
    {"sip:+4930123@example.com", "sip:%2b4930123@example.com"},
    {"sip:+4930123@example.com", "tel:+4930123"},
    {"sip:+4930123@example.com", "tel:+49-30-123"},
    {"sip:+4930123@example.com", "tel:+49.30(12)3"},
    {"sip:+4930123@example.com", "TEL:+49-30-123;isub=1"},
    {"sip:+4930123@example.com", "sip:+49-30-123@example.com;user=phone"},
    {"sip:+4930123@example.com", "sip:+49-30-123@alias.example.org;user=phone"},
    {"sip:+4930123@example.com", "sip:%2B49-30-123@Example.com.:5060;user=phone"},
    {"sip:+4930123@example.com", "sips:+4930123;ext=5@example.com:5061;user=phone"},
    {"sip:+4930123@example.net", "sip:+4930123@example.net;user=phone"},
    {"sip:+4930123@example.net:5080", "sip:+49(30)123@example.net:5080;transport=udp;USER=Phone"},
    {"sip:+4930123@gateway.example.org", "sip:+49-30-123@gateway.example.org;user=phone"},
    {"sip:a%40b@example.com", "sip:a%40b@EXAMPLE.COM"},
    {"sip:a%2fb@example.com", "sip:a/b@example.com"},
    {"sip:a%3bb@example.com", "sip:a;b@example.com"},
    {"sip:a%7eb@example.com", "sip:a~b@example.com"},
    {"sip:a%c3%a9@example.com", "sip:a%C3%A9@example.com"},
    {"sip:%00@example.com", "sip:%00@example.com"},
    {"sip:a@[2001:db8::1]", "sip:a@[2001:0DB8:0:0::0001]"},
    {"sip:a@[2001:db8::1]", "sip:a@[2001:db8::1]:5060"},
    {"sip:a@[2001:db8:::1]", "sip:a@[2001:db8::1]"},
    {"sip:a@[::ffff:192.0.2.1]", "sip:a@[::FFFF:c000:0201]"},
    {"sip:a@192.0.2.1", "sip:a@192.0.2.1:5060"},
    {"sip:example.com", "sip:EXAMPLE.com:5060"},
    {"tel:7042;phone-context=example.com", "tel:70-42;phone-context=Example.COM"},
    {"tel:7042;phone-context=+49", "tel:(7042);ext=1;phone-context=+49"},
};

constexpr Pair distinct[] = {
    {"sip:alice@example.com", "sip:Alice@example.com"},
    {"sip:alice@example.com", "sip:alice@example.net"},
    {"sip:alice@example.com", "sip:alice@example.com:5061"},
    {"sip:alice@example.com", "sip:alice@example.com:5070"},
    {"sip:alice@example.com", "sip:alice@sub.example.com"},
    {"sip:alice@example.com", "sip:alice%20@example.com"},
    {"sip:alice@example.com", "sip:alice%00@example.com"},
    {"sip:alice@example.com", "sip:alice;x=y@example.com"},
    {"sip:alice@example.com", "sip:example.com"},
    {"sip:%00@example.com", "sip:%00%00@example.com"},
    {"sip:a%40b@example.com", "sip:a@example.com"},
    {"sip:a%25b@example.com", "sip:ab@example.com"},
    {"sip:a%2541@example.com", "sip:aA@example.com"},
    {"sip:a%2541@example.com", "sip:a%41@example.com"},
    {"sip:a%20b@example.com", "sip:ab@example.com"},
    {"sip:a%3Ab@example.com", "sip:a:b@example.com"},
    {"sip:+4930123@example.com", "sip:4930123@example.com"},
    {"sip:+49-30-123@example.com", "sip:+4930123@example.com"},
    {"sip:+4930123@example.com", "sip:+4930123@example.net;user=phone"},
    {"tel:+4930123", "sip:+4930123@gateway.example.org;user=phone"},
    {"sip:+49-30-123@example.com;user=phone", "sip:+49-30-124@example.com;user=phone"},
    {"sip:49-30-123@example.com;user=phone", "sip:4930123@example.com;user=phone"},
    {"sip:+49abc@example.net;user=phone", "sip:+49@example.net;user=phone"},
    {"tel:+4930123", "tel:+49301234"},
    {"tel:7042;phone-context=example.com", "tel:7042;phone-context=example.net"},
    {"tel:7042;phone-context=example.com", "tel:7043;phone-context=example.com"},
    {"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"},
    {"sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1"},
    {"sip:a@192.0.2.1", "sip:a@192.0.2.10"},
    {"sip:alice@example.com", "sip:alice@example.co"},
    {"sip:alice@example.com", "sip:alic@eexample.com"},
};
static_assert(std::size(equal) + std::size(distinct) >= 60);

TEST(CanonicalAor, PairsThatAreOneClient) {
  for (const Pair& pair : equal) {
    EXPECT_FALSE(aor(pair.a).starts_with("uri_")) << pair.a << ": " << aor(pair.a);
    EXPECT_EQ(aor(pair.a), aor(pair.b)) << pair.a << " and " << pair.b;
  }
}

TEST(CanonicalAor, PairsThatAreTwoClients) {
  for (const Pair& pair : distinct) {
    EXPECT_FALSE(aor(pair.a).starts_with("uri_")) << pair.a << ": " << aor(pair.a);
    EXPECT_FALSE(aor(pair.b).starts_with("uri_")) << pair.b << ": " << aor(pair.b);
    EXPECT_NE(aor(pair.a), aor(pair.b)) << pair.a << " and " << pair.b;
  }
}

TEST(CanonicalAor, WritesTheFormThatTheDocumentsName) {
  EXPECT_EQ(aor("sips:Al%69ce;x%20:pw@EXAMPLE.com.:5060;lr?a=b"), "Alice;x%20@example.com");
  EXPECT_EQ(aor("sip:null-%00-null@example.com"), "null-%00-null@example.com");
  EXPECT_EQ(aor("tel:+1-201-555-0123"), "+12015550123@example.com");
  EXPECT_EQ(aor("tel:7042#;phone-context=Example.com"), "7042%23;phone-context=example.com@example.com");
  EXPECT_EQ(aor("sip:bob@Host:5070"), "bob@host:5070");
  EXPECT_EQ(aor("sip:[2001:DB8:0:0:0:0:0:1]:5070"), "[2001:db8::1]:5070");
  EXPECT_EQ(aor("sip:a@[::ffff:192.0.2.1]"), "a@[::ffff:192.0.2.1]");
}

TEST(CanonicalAor, SaysWhyThereIsNone) {
  for (const char* bad : {"tel:7042;phone-context=b8::2]f.org", "", "sip:", "sip:@example.com", "sip:a%zz@example.com", "sip:a@b@c", "sip:a@exa mple.com",
                          "tel:7042", "tel:+", "sip:a@example.com..", "nothing"})
    EXPECT_EQ(aor(bad), "uri_syntax") << bad;
  for (const char* other : {"isbn:2983792873", "http://www.example.com", "mailto:a@b"}) EXPECT_EQ(aor(other), "uri_scheme") << other;
}

TEST(CanonicalAor, ATelNumberWithoutAnyDomainHasNoName) {
  EXPECT_EQ(aor("tel:+4930123", Domains{}), "uri_syntax");
  EXPECT_EQ(aor("tel:+4930123", Domains{{"first.example"}, {}, ""}), "+4930123@first.example");
  EXPECT_EQ(aor("sip:+49-30@b;user=phone", Domains{}), "+4930@b");
}

TEST(CanonicalAor, TooLongIsAnErrorAndTheLongestIsNot) {
  const std::string host(250, 'h');
  std::string user;
  for (int i = 0; i < 128; ++i) user += "%ff";
  EXPECT_EQ(aor("sip:" + user + "@" + host).size(), 128U * 3 + 1 + host.size());
  EXPECT_EQ(aor("sip:" + user + user + "@" + host), "uri_syntax");
  EXPECT_EQ(aor("sip:" + std::string(700, 'u') + "@h"), "uri_syntax");
  EXPECT_EQ(aor("sip:u@" + std::string(700, 'h')), "uri_syntax");
}

TEST(CanonicalAor, EveryOctetOfAUserIsWrittenInOneWay) {
  for (int octet = 0; octet < 256; ++octet) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string escaped = "sip:%";
    escaped += hex[static_cast<std::size_t>(octet) >> 4U];
    escaped += hex[static_cast<std::size_t>(octet) & 15U];
    const std::string user = aor(escaped + "@h").substr(0, aor(escaped + "@h").find('@'));
    const bool raw =
        octet < 0x80 && (std::isalnum(octet) != 0 || std::string_view{"-_.!~*'()&=+$,;?/"}.find(static_cast<char>(octet)) != std::string_view::npos);
    EXPECT_EQ(user.size(), raw ? 1U : 3U) << octet;
    EXPECT_EQ(aor("sip:" + user + "@h"), user + "@h") << octet;
  }
}

/// The canonical form by way of the whole grammar: a parameter changes nothing, but it is not a telephone's plain form any more.
std::string long_way(std::string_view uri) { return aor(std::string(uri) + ";x"); }

/// Octets of a heap buffer of their exact number, so that the address sanitizer sees a read beyond it.
struct Exact {
  explicit Exact(std::string_view text) : octets(new char[text.size()]), size(text.size()) { std::copy(text.begin(), text.end(), octets.get()); }
  [[nodiscard]] std::string_view view(std::size_t at = 0) const { return {octets.get() + at, size - at}; }
  std::unique_ptr<char[]> octets;
  std::size_t size;
};

std::string some(std::mt19937_64& random, std::string_view octets, std::size_t count) {
  std::string out;
  while (out.size() < count) out += octets[random() % octets.size()];
  return out;
}

/// Mostly plain, of every length up to the third vector; now and then with an octet of any kind anywhere.
std::string telephone_uri(std::mt19937_64& random) {
  constexpr std::array schemes = {"sip:", "sip:", "SIP:", "sIp:", "sips", "s\x09p:", "sip\x1a"};
  constexpr std::array tails = {"", "", "", ":5060", ":5061", ":506", ".", ".:5060", ":5060:5060"};
  constexpr std::array hosts = {"example.com", "Example.NET", "alias.example.org", "example.co", "198.51.100.1", ""};
  std::string out = schemes[random() % schemes.size()] + some(random, "azAZ019-_.!~*'()&=+$,;?/", random() % 34) + (random() % 20 != 0 ? "@" : "");
  out += random() % 2 ? hosts[random() % hosts.size()] : some(random, "azAZ019-._[`{", random() % 34);
  out += tails[random() % tails.size()];
  if (random() % 4 == 0) out[random() % out.size()] = static_cast<char>(random());
  return out;
}

TEST(CanonicalAor, ThePlainFormIsAsTheWholeGrammarHasIt) {
  std::mt19937_64 random(1);
  int good = 0;
  for (int round = 0; round < 300'000; ++round) {
    const Exact uri(telephone_uri(random));
    const std::string_view text = uri.view();
    // Behind headers, or nothing, the parameter would be something else.
    if (text.ends_with(':') || text.substr(text.contains('@') ? text.find('@') : 4).find_first_of(";?") != text.npos) continue;
    const std::string expected = long_way(text);
    ASSERT_EQ(aor(text), expected) << text;
    good += !expected.starts_with("uri_");
  }
  EXPECT_GT(good, 30'000);
}

TEST(CanonicalAor, EveryOctetOfAPlainFormIsAsTheWholeGrammarHasIt) {
  for (const std::string uri : {"sip:alice@Example.com", "sip:a-user-of-many-octets-@a-host-of-even-more-octets.example.com"})
    for (std::size_t at = 4; at < uri.size(); ++at)
      for (int octet = 0; octet < 256; ++octet) {
        if (at > uri.find('@') && (octet == ';' || octet == '?')) continue;
        std::string other = uri;
        other[at] = static_cast<char>(octet);
        ASSERT_EQ(aor(other), long_way(other)) << other;
      }
}

TEST(NameClient, IsCanonicalAorServesAndClientKeyInOne) {
  const base::Key128 seed{1, 2, 3};
  std::mt19937_64 random(2);
  int served = 0;
  for (int round = 0; round < 100'000; ++round) {
    const std::string uri = telephone_uri(random);
    const std::string before = some(random, "<\" ", random() % 3);
    const Exact text(before + uri + some(random, "@a.>:\r", random() % 3 == 0 ? 0 : random() % 80));
    const Named named = name_client(text.view(before.size()).substr(0, uri.size()), text.view(), domains, seed);
    std::array<char, base::aor_bytes_max> out;
    const auto canonical = canonical_aor(uri, domains, out);
    ASSERT_EQ(named.fault, canonical ? Bad::none : canonical.error()) << uri;
    const bool is_served = canonical && canonical->contains('@') && serves(domains, canonical->substr(canonical->rfind('@') + 1));
    ASSERT_EQ(named.is_served, is_served) << uri;
    ASSERT_EQ(named.key, is_served ? client_key(*canonical, seed) : ClientKey{}) << uri;
    served += is_served;
  }
  EXPECT_GT(served, 5'000);
}

TEST(ClientKeys, ThoseOfManyAreThoseOfEach) {
  const base::Key128 seed{3, 1, 4};
  std::mt19937_64 random(3);
  std::size_t lengths_met = 0;
  std::array<bool, 64> met{};
  for (int round = 0; round < 20'000; ++round) {
    std::array<base::SipText, 9> plain;
    std::array<std::string, 9> aor;
    const std::size_t count = random() % (plain.size() + 1);
    for (std::size_t i = 0; i < count; ++i) {
      aor[i] = some(random, "abz059", 1 + random() % 51) + "@example.com";
      const std::string uri = "sip:" + aor[i];
      ASSERT_TRUE(plain_aor(uri, uri, domains, plain[i])) << uri;
      if (!std::exchange(met[aor[i].size()], true)) ++lengths_met;
    }
    std::array<ClientKey, 10> keys;
    client_keys({plain.data(), count}, seed, {keys.data(), count});
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(keys[i], client_key(aor[i], seed)) << aor[i];
    ASSERT_EQ(keys[count], ClientKey{}) << "nothing is written behind the last";
  }
  EXPECT_EQ(lengths_met, 51U) << "13 to 63 octets";
}

TEST(Serves, AServedDomainOrAnAliasInAnyCase) {
  for (const char* host : {"example.com", "EXAMPLE.net", "example.com.", "alias.example.org", "198.51.100.1"}) EXPECT_TRUE(serves(domains, host)) << host;
  for (const char* host : {"", ".", "example.org", "sub.example.com", "example.co", "example.com.."}) EXPECT_FALSE(serves(domains, host)) << host;
}

TEST(CanonicalAor, TakesAHostOfThePortsDigitsForNoPort) {
  std::array<char, base::aor_bytes_max> room;
  const auto aor = canonical_aor("sip:5060", Domains{}, room);
  ASSERT_TRUE(aor);
  EXPECT_EQ(*aor, "5060");
}

}  // namespace
}  // namespace viaduct::sip
