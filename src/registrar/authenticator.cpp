// SPDX-License-Identifier: Apache-2.0
// Digests by OpenSSL; its contexts and algorithms are fetched once, since that takes longer than a digest.
#include "viaduct/registrar/authenticator.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <initializer_list>
#include <span>

#include "nonces.h"
#include "viaduct/base/aes_hash.h"
#include "viaduct/base/check.h"
#include "viaduct/sip/digest.h"

namespace viaduct::registrar {
namespace {

/// A digest as lower-case hex digits.
struct Hex {
  std::array<char, 64> digits{};
  std::size_t bytes{};
  [[nodiscard]] std::string_view text() const { return {digits.data(), bytes}; }
};

Hex hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  Hex out;
  for (const std::uint8_t octet : octets) {
    out.digits[out.bytes++] = digits[octet >> 4];
    out.digits[out.bytes++] = digits[octet & 15];
  }
  return out;
}

constexpr std::array<const char*, sip::digest_algorithms_count> openssl_names = {"MD5", "SHA2-256", "SHA2-512/256"};

}  // namespace

struct Authenticator::Hasher {
  std::array<EVP_MD*, sip::digest_algorithms_count> algorithms{};
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  Hasher() {
    for (std::size_t i = 0; i < algorithms.size(); ++i) algorithms[i] = EVP_MD_fetch(nullptr, openssl_names[i], nullptr);
  }
  ~Hasher() {
    for (EVP_MD* md : algorithms) EVP_MD_free(md);
    EVP_MD_CTX_free(context);
  }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  /// Of the parts with colons between them; no digits when OpenSSL fails.
  Hex operator()(sip::DigestAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> out;
    bool works = EVP_DigestInit_ex2(context, algorithms[static_cast<std::size_t>(algorithm)], nullptr) == 1;
    for (const auto* part = parts.begin(); works && part != parts.end(); ++part) {
      if (part != parts.begin()) works = EVP_DigestUpdate(context, ":", 1) == 1;
      works = works && EVP_DigestUpdate(context, part->data(), part->size()) == 1;
    }
    if (!works || EVP_DigestFinal_ex(context, out.data(), nullptr) != 1) return {};
    return hex(std::span(out).first(digest_bytes(algorithm)));
  }
};

/// What was believed before.
struct Authenticator::Memory {
  Nonces nonces;
  base::AesHashKey key{random_key()};

  static base::Key128 random_key() {
    base::Key128 out;
    base::check(getrandom(out.data(), out.size(), 0) == std::ssize(out), "random octets from the system");
    return out;
  }
  /// Of all that a request asks for, and where it came from. What its Vias say is no part of it: edges write the time into theirs.
  [[nodiscard]] std::uint64_t hash_of(const Claim& claim) const {
    const sip::Message& m = claim.message;
    base::AesHasher hash(key, m.text.data(), 0, claim.source.port, m[m.method_text], m[m.request_uri]);
    for (std::size_t i = 0; i < m.headers; ++i)
      if (m.id[i] != sip::HeaderId::via) hash.hash(base::AesHasher(key, m.text.data(), 1, std::to_underlying(m.id[i]), m.header_line(i)));
    return hash.hidden().low;
  }
};

bool is_computed(sip::DigestAlgorithm algorithm) {
  EVP_MD* const md = EVP_MD_fetch(nullptr, openssl_names[static_cast<std::size_t>(algorithm)], nullptr);
  EVP_MD_free(md);
  return md != nullptr;
}

Authenticator::Authenticator(std::string realm, std::shared_ptr<const Secrets> secrets)
    : realm_(std::move(realm)), secrets_(std::move(secrets)), hasher_(std::make_unique<Hasher>()), memory_(std::make_unique<Memory>()) {}
Authenticator::~Authenticator() = default;

/// RFC 7616 3.4.1; without a qop RFC 2617 3.2.2.1.
bool Authenticator::is_right(const Claim& claim, const sip::Credentials& c) {
  static constexpr Ha1 nobodys{};
  const Ha1* const known = secrets_->find(claim.client, c.algorithm);
  const Hex ha1 = hex(std::span(known != nullptr ? *known : nobodys).first(digest_bytes(c.algorithm)));
  Hasher& hash = *hasher_;
  const sip::Message& m = claim.message;
  const std::string_view method = m[m.method_text];
  const Hex ha2 =
      c.qop == sip::DigestQop::auth_int ? hash(c.algorithm, {method, c.uri, hash(c.algorithm, {m[m.body]}).text()}) : hash(c.algorithm, {method, c.uri});
  const std::string_view qop = c.qop == sip::DigestQop::auth_int ? "auth-int" : "auth";
  const Hex ours = c.qop == sip::DigestQop::none ? hash(c.algorithm, {ha1.text(), c.nonce, ha2.text()})
                                                 : hash(c.algorithm, {ha1.text(), c.nonce, c.nonce_count, c.cnonce, qop, ha2.text()});
  const auto octets = [](std::string_view text) { return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()); };
  return base::equal_constant_time(octets(ours.text()), octets(c.response)) && known != nullptr && ha2.bytes != 0 && ours.bytes != 0;
}

std::string Authenticator::nonce_for(const base::Address& source, std::uint32_t now_s) {
  std::array<char, nonce_bytes> nonce;
  memory_->nonces.write(source, now_s, nonce);
  return {nonce.data(), nonce.size()};
}

void Authenticator::note_done() { memory_->nonces.note_done(); }

std::string Authenticator::challenge(const Claim& claim, bool is_stale) {
  const std::string nonce = nonce_for(claim.source.address, claim.now_s);
  std::string out;
  for (const sip::DigestAlgorithm algorithm : secrets_->algorithms())
    out.append("WWW-Authenticate: Digest realm=\"")
        .append(realm_)
        .append("\", nonce=\"")
        .append(nonce)
        .append("\", algorithm=")
        .append(sip::name(algorithm))
        .append(", qop=\"auth,auth-int\"")
        .append(is_stale ? ", stale=true\r\n" : "\r\n");
  return out;
}

Proof Authenticator::check(const Claim& claim) {
  const auto c = sip::credentials(claim.message, realm_);
  // What was not offered nobody can know a secret for, and OpenSSL may not have it.
  const bool is_offered = c && std::ranges::find(secrets_->algorithms(), c->algorithm) != secrets_->algorithms().end();
  if (!is_offered || !is_right(claim, *c)) return {.status = 401, .challenge = challenge(claim, false)};
  const Nonces::Use use = memory_->nonces.take(
      {.nonce = c->nonce, .nonce_count = c->nonce_count, .source = claim.source.address, .client = claim.client, .request = memory_->hash_of(claim)},
      claim.now_s);
  if (use == Nonces::Use::stale) return {.status = 401, .challenge = challenge(claim, true)};
  // RFC 7616 3.4.6 would have its digest-uri compared with the Request-URI. User agents write the registrar's address there, or the domain, whichever the
  // Request-URI has; a nonce that is good for one address and realm alone leaves nothing to be gained by another's.
  return {.status = 200, .challenge = {}, .is_repeated = use == Nonces::Use::repeated};
}

}  // namespace viaduct::registrar
