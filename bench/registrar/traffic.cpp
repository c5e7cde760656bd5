// SPDX-License-Identifier: Apache-2.0
#include "registrar/traffic.h"

#include <openssl/sha.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "micro/cpu.h"
#include "viaduct/base/clocks.h"

namespace viaduct::bench {
namespace {

const std::string at = "198.18.0.1:5070";
const base::Endpoint source = *base::Endpoint::parse(at, 5060);
constexpr std::size_t feed = 2048;

/// A store that keeps nothing: what the shard does for its store is timed, what the store's own thread does is not.
class Nowhere final : public store::Rows {
 public:
  store::Result<void> write(std::span<const store::Row>) override { return {}; }
  store::Result<std::vector<bool>> stand(std::span<const store::Row> rows) const override { return std::vector<bool>(rows.size()); }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>&) const override { return 0; }
};

location::Rules rules(std::uint32_t users) {
  location::Rules out;
  out.bindings_max = std::size_t{users} * 2;
  return out;
}

std::string user_name(std::uint32_t user) { return std::string("u").append(std::to_string(first_user + user)); }

std::string sha256(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> octets;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), octets.data());
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const unsigned char octet : octets) (out += digits[octet >> 4]) += digits[octet & 15];
  return out;
}
std::string ha1(std::uint32_t user) { return sha256(user_name(user) + ":example.com:secret"); }

const std::string no_response(64, '0'), no_count = "nc=00000001";
Telephone proving(const std::string& nonce) {
  return Telephone(at, "Authorization: Digest username=\"u#######\", realm=\"example.com\", nonce=\"" + nonce + "\", uri=\"sip:example.com\", response=\"" +
                           no_response + "\", algorithm=SHA-256, cnonce=\"0a4f113b\", qop=auth, " + no_count + "\r\n");
}

}  // namespace

Timed& Timed::operator+=(const Timed& t) {
  seconds += t.seconds;
  received += t.received;
  answered += t.answered;
  challenged += t.challenged;
  return *this;
}

Traffic::Traffic(std::uint32_t users, unsigned cpu, unsigned worker_cpu)
    : users_(users),
      stand_({.cpu = cpu, .core_cpus = {worker_cpu}, .bindings = users}),
      registrar_(stand_.commons, {.rules = rules(users), .watch_rules = {}, .realm = {}, .secrets = nullptr}, [](const std::function<void()>& job) { job(); }),
      plain_(at),
      proving_(proving({})) {
  for (std::uint32_t i = 0; i < 5 * users; ++i) keys_.push_back(stand_.key_of(user_name(i) + "@example.com"));
  if (!registrar_.keep({std::make_unique<Nowhere>(), std::make_unique<Nowhere>(), std::make_unique<Nowhere>()}, base::monotonic_ms()))
    throw std::runtime_error("nothing is kept");
}

void Traffic::ask_for_passwords() {
  const auto file = std::filesystem::temp_directory_path() / ("viaduct-ha1-" + std::to_string(getpid()));
  {
    std::ofstream out(file);
    for (std::uint32_t i = 0; i < users_; ++i) out << user_name(i) << "@example.com,SHA-256," << ha1(i) << '\n';
  }
  const site::Site& site = stand_.commons.site.read();
  auto secrets = registrar::Secrets::read(file, {sip::DigestAlgorithm::sha256}, site.domains, site.fleet_seed);
  std::filesystem::remove(file);
  if (!secrets) throw std::runtime_error(secrets.error());
  auto authenticator = std::make_unique<registrar::Authenticator>("example.com", std::make_shared<const registrar::Secrets>(std::move(*secrets)));
  authenticator_ = authenticator.get();
  registrar_.call_each([&](registrar::Shard& shard) { shard.set_authenticator(std::move(authenticator)); });
}

void Traffic::renew() {
  nonce_ = authenticator_->nonce_for(source.address, static_cast<std::uint32_t>(base::monotonic_ms() / 1000));
  proving_ = proving(nonce_);
}

nic::Packet Traffic::next(std::uint32_t user, Proof proof) {
  const Telephone& telephone = proof == Proof::digest ? proving_ : plain_;
  text_ = telephone.text();
  telephone.fill(text_.data(), first_user + user, serial_++);
  if (proof == Proof::digest) {
    std::array<char, 16> count;
    std::snprintf(count.data(), count.size(), "%08x", static_cast<unsigned>(serial_));
    text_.replace(text_.find(no_count) + 3, 8, count.data());
    text_.replace(text_.find(no_response), no_response.size(),
                  sha256(ha1(user) + ':' + nonce_ + ':' + count.data() + ":0a4f113b:auth:" + sha256("REGISTER:sip:example.com")));
  }
  return stand_.registration(text_, source, key_of(user));
}

void Traffic::remove(std::uint32_t first, std::uint32_t end) {
  registrar_.call_each([&](registrar::Shard& shard) {
    for (std::uint32_t user = first; user < end; ++user) shard.bindings().remove(key_of(user), base::monotonic_ms() / 1000);
  });
}

Timed Traffic::poll(std::size_t rounds_max) {
  const registrar::ShardSums before = registrar_.sums();
  const double from = cpu_seconds();
  while (rounds_max-- > 0 && registrar_.poll(base::registrations_a_round, base::monotonic_ms()) != 0) {
  }
  const double seconds = cpu_seconds() - from;
  const registrar::ShardSums after = registrar_.sums();
  return {.seconds = seconds,
          .received = after.received - before.received,
          .answered = after.answered - before.answered,
          .challenged = after.challenged - before.challenged};
}

Timed Traffic::run(std::size_t count, const std::function<std::uint32_t()>& user, Proof proof) {
  Timed all;
  for (std::size_t done = 0; done < count;) {
    if (proof == Proof::digest) renew();
    for (std::size_t i = 0; i < feed && done < count; ++i, ++done) {
      const nic::Packet p = next(user(), proof);
      void* mail = p.raw();
      if (!p || stand_.commons.to_registrar.front()->push({&mail, 1}) != 1) throw std::runtime_error("no buffer, or no place in the ring");
    }
    all += poll();
  }
  return all;
}

}  // namespace viaduct::bench
