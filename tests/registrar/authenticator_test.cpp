// SPDX-License-Identifier: Apache-2.0
// Challenges and what answers them; responses are computed here by another road, from the password.
#include "viaduct/registrar/authenticator.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <fstream>

#include "../location/register.h"

namespace viaduct::registrar::test {
namespace {

using location::test::Register;

using sip::DigestAlgorithm;

const std::string realm = "example.com", password = "open, sesame", uri = "sip:example.com";
const std::vector<DigestAlgorithm> all = {DigestAlgorithm::sha512_256, DigestAlgorithm::sha256, DigestAlgorithm::md5};

std::string digest(DigestAlgorithm a, const std::string& text) {
  const char* const names[] = {"MD5", "SHA2-256", "SHA2-512/256"};
  std::uint8_t out[64];
  std::size_t bytes = 0;
  EXPECT_EQ(EVP_Q_digest(nullptr, names[static_cast<int>(a)], nullptr, text.data(), text.size(), out, &bytes), 1);
  std::string hex;
  for (std::size_t i = 0; i < bytes; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", out[i]);
    hex += two;
  }
  return hex;
}

class Digest : public testing::Test {
 protected:
  Digest() {
    keys.keys[0].emplace('a', base::Key128{1});
    domains.served = {"example.com"};
    folder = testing::TempDir() + "viaduct-digest-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + '-' + std::to_string(getpid());
    std::string text = "# who may register\n\n";
    for (const DigestAlgorithm a : all) text += "alice@example.com, " + std::string(sip::name(a)) + ", " + digest(a, "alice:" + realm + ":" + password) + "\n";
    write(text);
  }
  ~Digest() override { std::filesystem::remove(folder); }

  void write(const std::string& text) const { std::ofstream(folder) << text; }
  [[nodiscard]] std::expected<Secrets, std::string> read(const std::vector<DigestAlgorithm>& algorithms = all) const {
    return Secrets::read(folder, algorithms, domains, seed);
  }
  static std::string between(const std::string& text, const std::string& begin, const std::string& end) {
    const std::size_t at = text.find(begin) + begin.size();
    return text.substr(at, text.find(end, at) - at);
  }

  struct Answer {
    DigestAlgorithm algorithm{DigestAlgorithm::sha256};
    std::string user{"alice"}, password{test::password}, qop{"auth"}, uri{test::uri}, nonce;
  };
  [[nodiscard]] static std::string header(const Answer& a) {
    const std::string ha1 = digest(a.algorithm, a.user + ":" + realm + ":" + a.password);
    std::string second = "REGISTER:" + a.uri;
    if (a.qop == "auth-int") second.append(":").append(digest(a.algorithm, ""));
    const std::string ha2 = digest(a.algorithm, second);
    std::string middle = ":";
    if (!a.qop.empty()) middle.append("00000001:abc:").append(a.qop).append(":");
    std::string out = "Authorization: Digest username=\"" + a.user + "\", realm=\"" + realm + "\", nonce=\"" + a.nonce + "\", uri=\"" + a.uri +
                      "\", response=\"" + digest(a.algorithm, ha1 + ":" + a.nonce + middle + ha2) + "\", algorithm=" + std::string(sip::name(a.algorithm));
    return a.qop.empty() ? out : out + ", qop=" + a.qop + ", nc=00000001, cnonce=\"abc\"";
  }
  Proof send(const std::string& line, const std::string& user = "alice") {
    if (!authenticator) authenticator.emplace(realm, std::make_shared<const Secrets>(*read()));
    Register request;
    if (!line.empty()) request.header(line);
    return authenticator->check({.message = request.indexed(), .client = sip::client_key(user + "@example.com", seed), .source = source, .now_s = now_s}, keys);
  }
  std::string nonce() { return between(send("").challenge, "nonce=\"", "\""); }
  unsigned answered(Answer a, const std::string& user = "alice") {
    if (a.nonce.empty()) a.nonce = nonce();
    return send(header(a), user).status;
  }

  sip::SigningKeys keys;
  sip::Domains domains;
  base::Key128 seed{5};
  base::Address source = base::Address::v4({192, 0, 2, 9});
  std::uint32_t now_s = 1'800'000'000;
  std::filesystem::path folder;
  std::optional<Authenticator> authenticator;
};

TEST_F(Digest, OffersTheStrongestFirst) {
  const Proof p = send("");
  EXPECT_EQ(p.status, 401);
  EXPECT_LT(p.challenge.find("SHA-512-256"), p.challenge.find("SHA-256,"));
  EXPECT_LT(p.challenge.find("SHA-256,"), p.challenge.find("MD5"));
  EXPECT_EQ(p.challenge.find("stale"), std::string::npos);
}

TEST_F(Digest, BelievesWhoKnowsThePassword) {
  for (const DigestAlgorithm a : all)
    for (const std::string qop : {"auth", "auth-int", ""}) EXPECT_EQ(answered({.algorithm = a, .qop = qop}), 200U) << sip::name(a) << ' ' << qop;
}

TEST_F(Digest, BelievesNobodyElse) {
  EXPECT_EQ(answered({.password = "guess"}), 401U);
  EXPECT_EQ(answered({.user = "mallory"}), 401U);
  EXPECT_EQ(answered({}, "bob"), 401U) << "alice's password is not bob's";
  Answer a{.nonce = nonce()};
  std::string line = header(a);
  line.replace(line.find("response=\"") + 10, 2, "zz");
  EXPECT_EQ(send(line).status, 401);
  EXPECT_EQ(send(header({.nonce = nonce()}).substr(0, 80)).status, 401);
  EXPECT_EQ(send("Authorization: Basic YWxpY2U6b3Blbg==").status, 401);
}

TEST_F(Digest, BelievesNobodyByADigestThatOpenSslDoesNotCompute) {
  const Answer right{.algorithm = DigestAlgorithm::sha256, .nonce = nonce()};
  authenticator.reset();
  ASSERT_EQ(EVP_set_default_properties(nullptr, "provider=none"), 1);
  EXPECT_FALSE(is_computed(DigestAlgorithm::sha256));
  authenticator.emplace(realm, std::make_shared<const Secrets>(*read()));
  ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
  EXPECT_TRUE(is_computed(DigestAlgorithm::sha256));
  std::string line = header(right);
  EXPECT_EQ(send(line).status, 401);
  line.replace(line.find("response=\"") + 10, 64, "");
  EXPECT_EQ(send(line).status, 401) << "no digits are no proof";
}

TEST_F(Digest, HashesNothingForWhatIsNotOffered) {
  authenticator.emplace(realm, std::make_shared<const Secrets>(*read({DigestAlgorithm::sha256})));
  EXPECT_EQ(answered({.algorithm = DigestAlgorithm::md5}), 401U);
  EXPECT_EQ(answered({.algorithm = DigestAlgorithm::sha256}), 200U);
}

TEST_F(Digest, TellsUnknownClientsAndWrongPasswordsAlike) {
  const auto shape = [](std::string text) {
    for (std::size_t at = text.find("nonce=\""); at != std::string::npos; at = text.find("nonce=\"", at + 7)) text.erase(at + 7, sip::nonce_bytes);
    return text;
  };
  EXPECT_EQ(shape(send(header({.password = "guess", .nonce = nonce()})).challenge), shape(send(header({.nonce = nonce()}), "nobody").challenge));
}

TEST_F(Digest, CallsARightAnswerToAnOldOrForeignNonceStale) {
  const std::string old = nonce();
  now_s += 60;
  EXPECT_EQ(answered({.nonce = old}), 200U);
  now_s += 1;
  const Proof late = send(header({.nonce = old}));
  EXPECT_EQ(late.status, 401);
  EXPECT_NE(late.challenge.find("stale=true"), std::string::npos);
  EXPECT_EQ(send(header({.password = "guess", .nonce = old})).challenge.find("stale"), std::string::npos);
  const std::string elsewhere = nonce();
  source = base::Address::v4({192, 0, 2, 10});
  EXPECT_NE(send(header({.nonce = elsewhere})).challenge.find("stale=true"), std::string::npos);
  EXPECT_NE(send(header({.nonce = std::string(sip::nonce_bytes, 'a')})).challenge.find("stale=true"), std::string::npos);
}

TEST_F(Digest, BelievesNoncesOfBothFleetKeys) {
  const std::string of_a = nonce();
  keys.keys[1] = keys.keys[0];
  keys.keys[0].emplace('b', base::Key128{2});
  EXPECT_EQ(answered({.nonce = of_a}), 200U);
  keys.keys[1].reset();
  EXPECT_EQ(answered({.nonce = of_a}), 401U);
}

TEST_F(Digest, TakesTheDigestUriThatTheUserAgentChose) { EXPECT_EQ(answered({.uri = "sip:198.18.0.2:5060"}), 200U); }

TEST_F(Digest, RefusesAFileThatIsNotWholeByItsLine) {
  const std::string good = "alice@example.com,MD5," + std::string(32, 'a') + "\n";
  const auto fault = [&](const std::string& text) {
    write(text);
    const auto done = read({DigestAlgorithm::md5});
    return done ? std::string("none") : done.error().substr(folder.string().size());
  };
  EXPECT_EQ(fault(good), "none");
  EXPECT_EQ(fault(good + "bob"), ":2: not of the form aor,algorithm,ha1");
  EXPECT_EQ(fault(good + "bob@example.com,MD4,00"), ":2: the algorithm is none of MD5, SHA-256, SHA-512-256");
  EXPECT_EQ(fault("bob@example.com,MD5,00"), ":1: the HA1 has not 32 hex digits");
  EXPECT_EQ(fault(good + good), ":2: a second HA1 of one algorithm for alice@example.com");
  EXPECT_EQ(fault("sip:bob@example.com , md5 , " + std::string(32, 'A')), "none");
  write("# whose\n" + good + " sip:bob@example.com ,MD5," + std::string(32, 'b') + "\nbob@example.com,SHA-256," + std::string(64, 'b') + '\n');
  EXPECT_EQ(read().error(), folder.string() + ":2: alice@example.com has no HA1 for SHA-512-256, which is offered");
  write(good + "alice@example.com,SHA-256," + std::string(64, 'a') + "\nsip:bob@example.com ,MD5," + std::string(32, 'b'));
  EXPECT_EQ(read({DigestAlgorithm::md5, DigestAlgorithm::sha256}).error(),
            folder.string() + ":3: sip:bob@example.com has no HA1 for SHA-256, which is offered");
  EXPECT_FALSE(Secrets::read(folder / "none", all, domains, seed));
}

}  // namespace
}  // namespace viaduct::registrar::test
