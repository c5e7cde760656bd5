// SPDX-License-Identifier: Apache-2.0
// Challenges and what answers them; responses are computed here by another road, from the password.
#include "viaduct/registrar/authenticator.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <fstream>
#include <set>

#include "../location/register.h"
#include "nonces.h"
#include "viaduct/sip/digest.h"

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
    std::string user{"alice"}, password{test::password}, qop{"auth"}, uri{test::uri}, nonce, count{"00000001"};
  };
  [[nodiscard]] static std::string header(const Answer& a) {
    const std::string ha1 = digest(a.algorithm, a.user + ":" + realm + ":" + a.password);
    std::string second = "REGISTER:" + a.uri;
    if (a.qop == "auth-int") second.append(":").append(digest(a.algorithm, ""));
    const std::string ha2 = digest(a.algorithm, second);
    std::string middle = ":";
    if (!a.qop.empty()) middle.append(a.count).append(":abc:").append(a.qop).append(":");
    std::string out = "Authorization: Digest username=\"" + a.user + "\", realm=\"" + realm + "\", nonce=\"" + a.nonce + "\", uri=\"" + a.uri +
                      "\", response=\"" + digest(a.algorithm, ha1 + ":" + a.nonce + middle + ha2) + "\", algorithm=" + std::string(sip::name(a.algorithm));
    return a.qop.empty() ? out : out + ", qop=" + a.qop + ", nc=" + a.count + ", cnonce=\"abc\"";
  }
  Proof send(const std::string& line, const std::string& user = "alice") { return send(line, user, {}); }
  Proof send(const std::string& line, const std::string& user, Register request) {
    if (!authenticator) authenticator.emplace(realm, std::make_shared<const Secrets>(*read()));
    if (!line.empty()) request.header(line);
    return authenticator->check({.message = request.indexed(), .client = sip::client_key(user + "@example.com", seed), .source = source, .now_s = now_s});
  }
  std::string nonce() { return between(send("").challenge, "nonce=\"", "\""); }
  unsigned answered(Answer a, const std::string& user = "alice") {
    if (a.nonce.empty()) a.nonce = nonce();
    return send(header(a), user).status;
  }

  sip::Domains domains;
  base::Key128 seed{5};
  base::Endpoint source{base::Address::v4({192, 0, 2, 9}), 5060};
  std::uint32_t now_s = 1'000;
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
    for (std::size_t at = text.find("nonce=\""); at != std::string::npos; at = text.find("nonce=\"", at + 7)) text.erase(at + 7, nonce_bytes);
    return text;
  };
  EXPECT_EQ(shape(send(header({.password = "guess", .nonce = nonce()})).challenge), shape(send(header({.nonce = nonce()}), "nobody").challenge));
}

TEST_F(Digest, CallsARightAnswerToAnOldOrForeignNonceStale) {
  const std::string old = nonce();
  now_s += 60;
  EXPECT_EQ(answered({.nonce = old}), 200U);
  now_s += 1;
  const Proof late = send(header({.nonce = old, .count = "00000002"}));
  EXPECT_EQ(late.status, 401);
  EXPECT_NE(late.challenge.find("stale=true"), std::string::npos);
  EXPECT_EQ(send(header({.password = "guess", .nonce = old})).challenge.find("stale"), std::string::npos);
  const std::string elsewhere = nonce();
  source.address = base::Address::v4({192, 0, 2, 10});
  EXPECT_NE(send(header({.nonce = elsewhere})).challenge.find("stale=true"), std::string::npos);
  EXPECT_NE(send(header({.nonce = std::string(nonce_bytes, 'a')})).challenge.find("stale=true"), std::string::npos);
  const std::string before = nonce();
  authenticator.reset();
  EXPECT_NE(send(header({.nonce = before})).challenge.find("stale=true"), std::string::npos) << "nobody knows any more whether it was answered";
}

TEST_F(Digest, BelievesCredentialsOnce) {
  for (const std::string qop : {"auth", "auth-int", ""}) {
    const Answer a{.qop = qop, .nonce = nonce()};
    const std::string line = header(a);
    Register again;
    again.contact("<sip:alice@192.0.2.9>");
    EXPECT_EQ(send(line, "alice", again).status, 200);
    const auto expect_stale = [&](Register request) {
      const Proof p = send(line, "alice", std::move(request));
      EXPECT_EQ(p.status, 401) << qop;
      EXPECT_NE(p.challenge.find("stale=true"), std::string::npos) << qop;
    };
    expect_stale(Register().contact("<sip:mallory@192.0.2.9>"));
    expect_stale(Register().contact("<sip:alice@192.0.2.9>").cseq(2));
    expect_stale(Register().contact("<sip:alice@192.0.2.9>").call_id("two@host"));
    expect_stale(Register().contact("*").expires("0"));
  }
}

TEST_F(Digest, BelievesEachCountOfANonceOnceInWhateverOrder) {
  const std::string one = nonce();
  for (const std::string count : {"00000001", "00000003", "00000002"}) EXPECT_EQ(answered({.nonce = one, .count = count}), 200U) << count;
  EXPECT_EQ(send(header({.nonce = one, .count = "00000002"}), "alice", Register().cseq(7)).status, 401);
}

TEST_F(Digest, TellsARetransmissionOfWhatIsDone) {
  const std::string line = header({.nonce = nonce()});
  EXPECT_FALSE(send(line).is_repeated);
  const Proof undone = send(line);
  EXPECT_EQ(undone.status, 200);
  EXPECT_FALSE(undone.is_repeated) << "it was refused, and may be processed again";
  authenticator->note_done();
  const Proof done = send(line);
  EXPECT_EQ(done.status, 200);
  EXPECT_TRUE(done.is_repeated);
  EXPECT_TRUE(send(line, "alice", Register().branch("z9hG4bKother")).is_repeated) << "edges write the time into their Via";
  source.port = 6666;
  EXPECT_EQ(send(line).status, 401) << "from another place it is none";
}

TEST_F(Digest, GivesEachANonceOfHisOwn) {
  std::set<std::string> given;
  for (unsigned i = 0; i < 100; ++i) EXPECT_TRUE(given.insert(nonce()).second);
  const std::string first = nonce(), second = nonce();
  EXPECT_EQ(answered({.nonce = second}), 200U) << "two telephones of one client behind one NAT";
  EXPECT_EQ(answered({.nonce = first}), 200U);
}

class NoncesTest : public testing::Test {
 protected:
  Nonces nonces{100};
  const base::Address source = base::Address::v4({192, 0, 2, 9});
  std::uint32_t now_s = 1'000;
  std::string made() {
    std::array<char, nonce_bytes> out;
    nonces.write(source, now_s, out);
    return {out.data(), out.size()};
  }
  Nonces::Use take(const std::string& nonce, const std::string& count = "00000001", std::uint64_t request = 2, std::uint64_t client = 7) {
    return nonces.take({.nonce = nonce, .nonce_count = count, .source = source, .client = {client, client}, .request = request}, now_s);
  }
};

TEST_F(NoncesTest, OfTwoClientsAreTwo) {
  const std::string nonce = made();
  EXPECT_EQ(take(nonce, "00000001", 2, 7), Nonces::Use::first);
  EXPECT_EQ(take(nonce, "00000001", 2, 8), Nonces::Use::first) << "nobody uses up another's";
  EXPECT_EQ(take(nonce, "00000001", 4, 7), Nonces::Use::stale);
}

TEST_F(NoncesTest, AreNotForgottenWhileTheyAreGood) {
  for (std::uint32_t age_s = 0; age_s <= 61; ++age_s) {
    now_s += 200;
    const std::string early = made();
    now_s += 45;
    static_cast<void>(take(made()));
    now_s += 10;
    const std::string nonce = made();
    EXPECT_EQ(take(nonce), Nonces::Use::first);
    now_s += age_s;
    EXPECT_EQ(take(nonce, "00000001", 4), Nonces::Use::stale) << age_s;
    EXPECT_EQ(take(nonce, "00000002", 4), age_s <= base::nonce_s ? Nonces::Use::first : Nonces::Use::stale) << age_s;
    EXPECT_EQ(take(early, "00000003"), age_s + 55 <= base::nonce_s ? Nonces::Use::first : Nonces::Use::stale) << age_s;
  }
}

TEST_F(NoncesTest, GetOldSoonerWhenManyAreAnswered) {
  std::vector<std::string> given;
  for (unsigned i = 0; i < 1'000; ++i) {
    given.push_back(made());
    EXPECT_EQ(take(given.back()), Nonces::Use::first) << i;
    for (std::size_t before = 0; before < given.size(); before += 37) EXPECT_EQ(take(given[before], "00000001", 4), Nonces::Use::stale) << before << ' ' << i;
  }
  EXPECT_EQ(take(given[0], "00000002"), Nonces::Use::stale) << "of whom nothing is known";
  EXPECT_EQ(take(given[950], "00000002"), Nonces::Use::first);
  EXPECT_LE(nonces.bytes(), 2U * 256 * 16);
}

TEST_F(NoncesTest, HaveRoomForAsManyAsAreRemembered) {
  Nonces many{3'000};
  std::array<char, nonce_bytes> out;
  for (unsigned i = 0; i < 2'500; ++i) {
    many.write(source, now_s, out);
    const Nonces::Answer answer{.nonce = {out.data(), out.size()}, .nonce_count = "00000001", .source = source, .client = {1, 1}, .request = 2};
    EXPECT_EQ(many.take(answer, now_s), Nonces::Use::first);
    many.note_done();
    EXPECT_EQ(many.take(answer, now_s), Nonces::Use::repeated);
  }
  EXPECT_LE(many.bytes(), (8'192U + 256) * 16);
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
