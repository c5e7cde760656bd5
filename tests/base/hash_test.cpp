// SPDX-License-Identifier: Apache-2.0
// The keyed hashes against published vectors and against OpenSSL.
#include "viaduct/base/hash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "slow_aes.h"
#include "viaduct/base/aes_hash.h"
#include "viaduct/base/siphash4.h"

namespace viaduct::base {
namespace {

using Octets = std::vector<std::uint8_t>;

/// A MAC of OpenSSL's: the judge.
Octets judge(const char* algorithm, const Key128& key, std::string_view bytes, std::vector<OSSL_PARAM> params) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, algorithm, nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  params.push_back(OSSL_PARAM_construct_end());
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), params.data()), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), 1);
  Octets out(16);
  std::size_t n = 0;
  EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &n, out.size()), 1);
  out.resize(n);
  return out;
}

Octets judge_siphash(const Key128& key, std::string_view bytes, std::size_t out_bytes, unsigned c_rounds, unsigned d_rounds) {
  return judge("SIPHASH", key, bytes,
               {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &out_bytes), OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c_rounds),
                OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d_rounds)});
}

Octets judge_cmac(const Key128& key, std::string_view bytes) {
  std::string cipher = "AES-128-CBC";
  return judge("CMAC", key, bytes, {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher.data(), 0)});
}

Octets octets(std::uint64_t word) {
  Octets out(8);
  std::memcpy(out.data(), &word, 8);
  return out;
}
Octets octets(const Hash128& hash) {
  Octets out(16);
  std::memcpy(out.data(), &hash.low, 8);
  std::memcpy(out.data() + 8, &hash.high, 8);
  return out;
}

/// Key and message of the authors' vectors: 00 01 02 ...
Key128 counting_key() {
  Key128 key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}
std::string counting(std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(i);
  return out;
}

Key128 random_key(std::mt19937_64& random) {
  Key128 key;
  for (auto& octet : key) octet = static_cast<std::uint8_t>(random());
  return key;
}
/// In a heap buffer of its exact size, so that the address sanitizer sees a read beyond it.
struct Exact {
  std::unique_ptr<char[]> bytes;
  std::size_t size;
  [[nodiscard]] std::string_view view() const { return {bytes.get(), size}; }
};
Exact random_text(std::mt19937_64& random, std::size_t size) {
  Exact out{std::make_unique<char[]>(size), size};
  for (std::size_t i = 0; i < size; ++i) out.bytes[i] = static_cast<char>(random());
  return out;
}

TEST(SipHash, MatchesThePublishedVectorsOfTwoFour) {
  const std::string fifteen = counting(15);
  EXPECT_EQ((siphash_64<2, 4>(counting_key(), fifteen)), 0xa129ca6149be45e5);  // the paper's appendix A
  EXPECT_EQ((siphash_64<2, 4>(counting_key(), "")), 0x726fdb47dd0e0e31);
  const Octets empty128 = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
  EXPECT_EQ(octets(siphash_128<2, 4>(counting_key(), "")), empty128);
}

TEST(SipHash, OneThreeMatchesOpenSslAtEveryLength) {
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < 300; ++size) {
    const Key128 key = random_key(random);
    const Exact text = random_text(random, size);
    ASSERT_EQ(octets(siphash64(key, text.view())), judge_siphash(key, text.view(), 8, 1, 3)) << size;
    ASSERT_EQ(octets(siphash128(key, text.view())), judge_siphash(key, text.view(), 16, 1, 3)) << size;
  }
}

Hash128 block_at(std::string_view text, std::size_t number) {
  Hash128 block;
  std::memcpy(&block, text.data() + 16 * number, sizeof block);
  return block;
}

/// Of one to four blocks.
std::uint64_t mac64(const AesMac& mac, std::string_view text) {
  const auto at = [&](std::size_t number) { return block_at(text, number); };
  switch (text.size() / 16) {
    case 1:
      return mac.mac64(at(0));
    case 2:
      return mac.mac64(at(0), at(1));
    case 3:
      return mac.mac64(at(0), at(1), at(2));
    default:
      return mac.mac64(at(0), at(1), at(2), at(3));
  }
}

TEST(AesMac, MatchesOpenSslCmacOnWholeBlocks) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2'000; ++round) {
    const Key128 key = random_key(random);
    const Exact text = random_text(random, 16 * (1 + random() % 4));
    Octets expected = judge_cmac(key, text.view());
    expected.resize(8);
    ASSERT_EQ(octets(mac64(AesMac(key), text.view())), expected);
  }
}

TEST(AesMac, MatchesThePublishedVectorOfOneBlock) {
  const Key128 key = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};  // RFC 4493 4, example 2
  const std::array<std::uint8_t, 16> block = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
  const Octets expected = {0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44};
  EXPECT_EQ(octets(AesMac(key).mac64(std::bit_cast<Hash128>(block))), expected);
}

/// A SipText, octet by octet.
SipText sip_text(const std::string& octets) {
  SipText out{.room = {}, .bytes = octets.size()};
  std::copy(octets.begin(), octets.end(), out.room.begin());
  out.room[octets.size() / 8 * 8 + 7] = static_cast<char>(octets.size());
  return out;
}

TEST(SipHash, OfFourIsTheOneOfEach) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20'000; ++round) {
    std::array<SipText, 4> texts;
    for (SipText& t : texts) {
      std::string octets(random() % (SipText::bytes_max + 1), '\0');
      for (char& c : octets) c = static_cast<char>(random());
      t = sip_text(octets);
    }
    const Key128 key = random_key(random);
    std::array<Hash128, 4> hashes;
    siphash128_of_four(key, texts.data(), hashes.data());
    for (std::size_t i = 0; i < 4; ++i) ASSERT_EQ(hashes[i], siphash128(key, texts[i].text())) << texts[i].bytes;
  }
}

using Pieces = std::vector<std::string_view>;

/// What an AesHasher is said to do, with the octet-wise AES of slow_aes.h.
struct SlowHasher {
  slow::Block key;
  slow::Block state = slow::encrypted(key, {});

  SlowHasher(const slow::Block& with, std::uint32_t label, std::uint32_t number, const Pieces& all) : key(with) {
    state = slow::added(state, header(label, number, all));
    for (const std::string_view p : all) piece(p);
  }
  static slow::Block of_words(std::uint64_t low, std::uint64_t high) {
    slow::Block out;
    std::memcpy(out.data(), &low, 8);
    std::memcpy(out.data() + 8, &high, 8);
    return out;
  }
  static slow::Block header(std::uint32_t label, std::uint32_t number, const Pieces& all) {
    std::uint64_t lengths = 0;
    for (std::size_t i = 0; i < all.size(); ++i) lengths |= all[i].size() << (16 * i);
    return of_words(label | std::uint64_t{number} << 32, lengths);
  }
  [[nodiscard]] slow::Block mixed() const {
    slow::Block out = state;
    for (int i = 0; i < 4; ++i) out = slow::round(out, {});
    return out;
  }
  void block(const slow::Block& octets) { state = slow::added(mixed(), octets); }
  void piece(std::string_view rest) {
    do {
      slow::Block octets{};
      const std::size_t count = std::min<std::size_t>(rest.size(), 16);
      std::copy_n(rest.begin(), count, octets.begin());
      block(octets);
      rest.remove_prefix(count);
    } while (!rest.empty());
  }
  void pieces(std::uint32_t label, std::uint32_t number, const Pieces& all) {
    block(header(label, number, all));
    for (const std::string_view p : all) piece(p);
  }
  [[nodiscard]] slow::Block finish() const { return slow::encrypted(key, state); }
};
Octets octets(const slow::Block& block) { return {block.begin(), block.end()}; }

TEST(SlowAes, MatchesTheExampleOfTheStandard) {
  slow::Block plain;
  for (std::size_t i = 0; i < 16; ++i) plain[i] = static_cast<std::uint8_t>(0x11 * i);
  const slow::Block expected = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};  // FIPS 197 C.1
  EXPECT_EQ(slow::encrypted(counting_key(), plain), expected);
}

/// A part of a text: what lies before and behind it must not matter, and what lies outside of the text must not be read.
std::string_view part(std::mt19937_64& random, const Exact& text) {
  const std::size_t at = random() % (text.size + 1);
  return text.view().substr(at, random() % 3 == 0 ? text.size : random() % 40);
}

TEST(AesHasher, MatchesTheSlowOneOctetByOctet) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 5'000; ++round) {
    const Key128 key = random_key(random);
    const AesHashKey fast_key(key);
    const Exact text = random_text(random, random() % 100);
    const auto label = static_cast<std::uint32_t>(random());
    const auto number = static_cast<std::uint32_t>(random());
    const std::string_view a = part(random, text);
    const std::string_view b = part(random, text);
    const std::string_view c = part(random, text);
    AesHasher fast(fast_key, text.bytes.get(), label, number, a);
    SlowHasher slow(key, label, number, {a});
    fast.numbers(number, label);
    slow.block(SlowHasher::of_words(number, label));
    fast.pieces(number, label, a, b, c, std::string_view{});
    slow.pieces(number, label, {a, b, c, {}});
    AesHasher other(fast_key, text.bytes.get(), number, number, c, b);
    other.hash(fast);
    SlowHasher slow_other(key, number, number, {c, b});
    slow_other.block(slow.mixed());
    ASSERT_EQ(octets(fast.hidden()), octets(slow.mixed()));
    ASSERT_EQ(octets(fast.unencrypted()), octets(slow.state));
    ASSERT_EQ(octets(fast.finish()), octets(slow.finish()));
    ASSERT_EQ(octets(other.finish()), octets(slow_other.finish()));
  }
}

TEST(AesHasher, ReadsEveryLengthUpToTheEndsOfItsText) {
  std::mt19937_64 random(3);
  const AesHashKey key(counting_key());
  for (std::size_t size = 0; size < 70; ++size)
    for (const std::size_t before : {0, 1, 15, 16, 17}) {
      const Exact text = random_text(random, before + size);
      const AesHasher fast(key, text.bytes.get(), 1, 2, text.view().substr(before));
      const SlowHasher slow(counting_key(), 1, 2, {text.view().substr(before)});
      ASSERT_EQ(octets(fast.finish()), octets(slow.finish())) << size << " behind " << before;
    }
}

TEST(AesHasher, GoesOnFromACopy) {
  const AesHashKey key(counting_key());
  const std::string_view text = "call-id-a-b";
  AesHasher common(key, text.data(), 1, 0, text.substr(0, 7));
  AesHasher copy = common;
  copy.pieces(2, 0, text.substr(8, 1));
  common.pieces(2, 0, text.substr(10, 1));
  AesHasher whole(key, text.data(), 1, 0, text.substr(0, 7));
  whole.pieces(2, 0, text.substr(10, 1));
  EXPECT_EQ(common.finish(), whole.finish());
  EXPECT_NE(copy.finish(), whole.finish());
}

TEST(AesHasher, TellsListsApartThatJoinAlike) {
  const AesHashKey key(counting_key());
  std::set<Hash128> seen;
  std::size_t lists = 0;
  // Octets of zero join alike with the padding too.
  for (const std::string& text : {std::string("abcdefghabcdefghabcdefghabcdefgh"), std::string(32, '\0')})
    for (std::size_t bytes = 0; bytes <= text.size(); ++bytes)
      for (std::size_t first = 0; first <= bytes; ++first) {
        seen.insert(AesHasher(key, text.data(), 1, 0, std::string_view(text).substr(0, first), std::string_view(text).substr(first, bytes - first)).finish());
        if (bytes > 0 || text[0] != '\0') ++lists;
      }
  EXPECT_EQ(seen.size(), lists);
}

TEST(EqualConstantTime, ComparesEveryOctet) {
  Octets a(20, 7);
  Octets b = a;
  EXPECT_TRUE(equal_constant_time(a, b));
  for (std::size_t i = 0; i < a.size(); ++i) {
    b[i] ^= 1;
    EXPECT_FALSE(equal_constant_time(a, b));
    b[i] ^= 1;
  }
  EXPECT_FALSE(equal_constant_time(a, std::span(b).first(19)));
}

}  // namespace
}  // namespace viaduct::base
