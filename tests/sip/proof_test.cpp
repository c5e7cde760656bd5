// SPDX-License-Identifier: Apache-2.0
// The proof that a redirect carries, and the letters that all tokens are written in.
#include <gtest/gtest.h>

#include <random>

#include "generated.h"
#include "viaduct/sip/token.h"

namespace viaduct::sip {
namespace {

/// Letter by letter, from the last.
std::string slow_base32(std::uint64_t value, std::size_t letters) {
  std::string out(letters, ' ');
  for (std::size_t i = letters; i-- > 0; value >>= 5) out[i] = "abcdefghijklmnopqrstuvwxyz234567"[value & 31];
  return out;
}

TEST(Base32, AgreesWithTheAlphabetLetterByLetter) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t value = round == 0 ? 0 : round == 1 ? ~std::uint64_t{0} : random() >> (random() % 64);
    std::string text(base32_64_bytes + 2, ' ');
    write_base32(value, std::span(text).subspan<1, base32_64_bytes>());
    ASSERT_EQ(text, ' ' + slow_base32(value, base32_64_bytes) + ' ');
    ASSERT_EQ(read_base32(std::string_view(text).substr(1, base32_64_bytes)), value);
    const auto half = static_cast<std::uint32_t>(value);
    text.assign(base32_32_bytes + 2, ' ');
    write_base32(half, std::span(text).subspan<1, base32_32_bytes>());
    ASSERT_EQ(text, ' ' + slow_base32(half, base32_32_bytes) + ' ');
    ASSERT_EQ(read_base32(std::string_view(text).substr(1, base32_32_bytes)), half);
  }
}

TEST(Base32, RefusesWhatItDidNotWrite) {
  for (const char* text : {"", "a", "aaaaaa", "aaaaaaaa", "aaaaaaaaaaaa", "aaaaaaaaaaaaaa", "aaaaaaA", "aaaaaa1", "aaaaaa8", "aaa aaa", "eaaaaaa",
                           "qaaaaaaaaaaaa", "aaaaaaaaaaaa="})
    EXPECT_FALSE(read_base32(text)) << text;
  EXPECT_EQ(read_base32("d777777"), 0xffffffff);
  EXPECT_EQ(read_base32("p777777777777"), ~std::uint64_t{0});
}

const ClientKey client{0x1122334455667788, 0x99aabbccddeeff00};

std::string proof_text(const HomeProof& proof, const SigningKey& key) {
  std::array<char, home_proof_bytes_max> out;
  return {out.data(), write_home_proof(proof, client, "home-a", key, out)};
}

TEST(HomeProof, ComesBackWhileItIsValid) {
  const SigningKeys keys = testing::signing_keys();
  for (const HomeProof proof : {HomeProof{7, 29'000'000}, HomeProof{0, 1}, HomeProof{UINT32_MAX, UINT32_MAX}}) {
    const std::string text = proof_text(proof, keys.signing());
    ASSERT_LE(text.size(), home_proof_bytes_max);
    const auto found = verify_home_proof(text, client, "home-a", proof.expires_min - 1, keys);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->epoch, proof.epoch);
    EXPECT_EQ(found->expires_min, proof.expires_min);
    EXPECT_FALSE(verify_home_proof(text, client, "home-a", proof.expires_min, keys));
    EXPECT_TRUE(verify_home_proof(proof_text(proof, *keys.keys[1]), client, "home-a", 0, keys));
  }
}

TEST(HomeProof, FailsWhenAnythingChanges) {
  const SigningKeys keys = testing::signing_keys();
  const std::string text = proof_text({0x7f, 29'000'000}, keys.signing());
  EXPECT_TRUE(verify_home_proof(text, client, "home-a", 0, keys));
  EXPECT_FALSE(verify_home_proof(text, client, "home-b", 0, keys));
  EXPECT_FALSE(verify_home_proof(text, {client.low ^ 1, client.high}, "home-a", 0, keys));
  EXPECT_FALSE(verify_home_proof(text, {client.low, client.high ^ 1}, "home-a", 0, keys));
  EXPECT_FALSE(verify_home_proof(text, client, "home-a", 0, {{SigningKey('b', testing::key_of(9)), std::nullopt}}));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == '2' ? '3' : '2';
    EXPECT_FALSE(verify_home_proof(other, client, "home-a", 0, keys)) << other;
    EXPECT_FALSE(verify_home_proof(std::string_view(text).substr(0, i), client, "home-a", 0, keys));
  }
  for (const char* other : {"", ".", "..", "1.2.", "1.2.b", "...", "-1.2.baaaaaaaaaaaaa", "111111111.2.baaaaaaaaaaaaa"})
    EXPECT_FALSE(verify_home_proof(other, client, "home-a", 0, keys));
}

TEST(ProofExpiry, IsTheNextTenAtLeastTenMinutesAway) {
  for (std::uint32_t now = 1000; now < 1100; ++now) {
    const std::uint32_t expiry = proof_expiry(now);
    EXPECT_EQ(expiry % 10, 0u);
    EXPECT_GE(expiry, now + 10);
    EXPECT_LT(expiry, now + 20);
  }
}

TEST(SigningKeyDeathTest, StopsOnALetterThatIsNotAKeys) { EXPECT_DEATH(SigningKey('q', testing::key_of(1)), "letter from a to p"); }

}  // namespace
}  // namespace viaduct::sip
